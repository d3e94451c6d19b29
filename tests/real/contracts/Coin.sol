// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// An ordinary token with six decimals, and a way to move it many times at once.
contract Coin is ERC20 {
    constructor(string memory name, string memory symbol, uint256 supply) ERC20(name, symbol) {
        _mint(msg.sender, supply);
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    /// Send one unit to each of `count` accounts, of which the first has the number `first`.
    function scatter(uint160 first, uint256 count) external {
        for (uint160 index = 0; index < count; index++) {
            _transfer(msg.sender, address(first + index), 1);
        }
    }
}
