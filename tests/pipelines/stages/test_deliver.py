"""Handing a plan over: what is read of the delivery's answer."""

from pipelines.stages.deliver import summarize, words


def test_a_failed_delivery_is_told_without_its_result_for_programs() -> None:
    assert words('it crashes\n{"outcome": "RolloutError"}\nbye\n') == "it crashes\nbye\n"


def test_the_summary_of_a_delivery_is_in_the_last_line() -> None:
    assert summarize('noise\n{"summary": "shop: 3 of 3"}\n') == "shop: 3 of 3"
