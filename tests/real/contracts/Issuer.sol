// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// A token whose issuer freezes, frees and destroys: it says so in the words of several issuers.
contract Issuer is ERC20 {
    event AddedBlackList(address _user);
    event RemovedBlackList(address _user);
    event DestroyedBlackFunds(address _blackListedUser, uint256 _balance);
    event Blacklisted(address indexed _account);
    event UnBlacklisted(address indexed _account);

    constructor(uint256 supply) ERC20("Issued", "ISS") {
        _mint(msg.sender, supply);
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function freeze(address account) external {
        emit AddedBlackList(account);
    }

    function free(address account) external {
        emit RemovedBlackList(account);
    }

    function destroy(address account, uint256 amount) external {
        emit DestroyedBlackFunds(account, amount);
    }

    function blacklist(address account) external {
        emit Blacklisted(account);
    }

    function unBlacklist(address account) external {
        emit UnBlacklisted(account);
    }
}
