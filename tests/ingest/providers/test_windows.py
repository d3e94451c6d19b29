"""Sizes that are learnt from refusals."""

from ingest.providers.limits import Window


def test_a_window_halves_and_grows_back_below_what_was_refused() -> None:
    window = Window(1_000, largest=1_000)
    assert window.shrink()
    assert window.size == 500
    sizes = []
    for _ in range(6):
        window.grow()
        sizes.append(window.size)

    assert sizes == [625, 781, 976, 999, 999, 999]


def test_the_ceiling_is_tried_anew_after_many_good_answers() -> None:
    window = Window(64, largest=64)
    window.shrink(to=10)
    for _ in range(31):
        window.grow()
    assert window.size == 10
    for _ in range(20):
        window.grow()

    assert window.size == 64


def test_a_window_never_goes_below_its_smallest() -> None:
    window = Window(3, largest=8)
    assert window.shrink(to=0)
    assert window.size == 1
    assert not window.shrink()
