// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// Emits what looks like a transfer and is none, and describes itself badly.
contract Odd {
    bytes32 private constant TRANSFER = keccak256("Transfer(address,address,uint256)");

    /// As early tokens do: 32 bytes, filled up.
    function name() external pure returns (bytes32) {
        return "Odd coin";
    }

    function symbol() external pure returns (bytes memory) {
        return hex"ff00fe";
    }

    function decimals() external pure returns (uint256) {
        return 1000;
    }

    function totalSupply() external pure returns (uint256) {
        revert();
    }

    /// One good transfer between odd ones.
    function emitAll(address to) external {
        bytes32 topic = TRANSFER;
        assembly {
            mstore(0, 7)
            mstore(32, 8)
            mstore(64, 9)
            log1(0, 96, topic) // nothing indexed
            log3(0, 16, topic, caller(), to) // half an amount
            log3(0, 64, topic, caller(), to) // two amounts
            log3(0, 32, topic, not(0), to) // an account that is none
            log4(0, 0, topic, caller(), to, 5) // an NFT
            log0(0, 32) // anonymous
            log3(0, 32, topic, caller(), to) // a transfer of seven
            stop()
        }
    }
}
