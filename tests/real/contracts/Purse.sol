// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// Holds what it was made with.
contract Pocket {
    constructor() payable {}
}

/// Sends the chain's own coin onwards in every way that only a trace tells.
contract Purse {
    constructor() payable {}

    receive() external payable {}

    /// Pay each of them the same.
    function split(address payable[] calldata to) external payable {
        for (uint256 index = 0; index < to.length; index++) {
            (bool sent, ) = to[index].call{value: msg.value / to.length}("");
            require(sent);
        }
    }

    /// Pay `to` in a call that then fails: it is undone, and this goes on.
    function pretend(address payable to) external payable {
        try this.payThenFail{value: msg.value}(to) {} catch {}
    }

    function payThenFail(address payable to) external payable {
        (bool sent, ) = to.call{value: msg.value}("");
        require(sent && false);
    }

    /// Pay after a call to a contract of the protocol, which no trace counts.
    function hashThenPay(address payable to) external payable {
        sha256("a purse");
        (bool sent, ) = to.call{value: msg.value}("");
        require(sent);
    }

    /// Make a pocket with the value in it.
    function sew() external payable returns (address) {
        return address(new Pocket{value: msg.value}());
    }

    /// Fail with the value.
    function refuse() external payable {
        revert("no");
    }
}
