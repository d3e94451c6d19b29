"""Networks: the strongest flows around a wallet, now or as of then, to draw and to go on from."""
