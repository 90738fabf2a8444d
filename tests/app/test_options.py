"""Controls of single pages and the parameters of the URL they are kept in."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def _draw() -> None:
    from datetime import date

    import streamlit as st

    from klineforge.app import options

    chosen = (
        options.choice("mode", "Mode", ("lump", "regular"), "lump"),
        options.number("fee", "Fee", 0.1, low=0, high=5, step=0.1),
        options.day("from", "From", date(2026, 2, 1), first=date(2026, 1, 1), last=date(2026, 3, 1)).isoformat(),
        options.weights("weights", "Basket", ("AUSDT", "BUSDT", "CUSDT"), {"AUSDT": 1.0, "BUSDT": 1.0}),
    )
    st.text(repr(chosen))


def drawn(**query: str) -> AppTest:
    page = AppTest.from_function(_draw, default_timeout=60)
    for name, value in query.items():
        page.query_params[name] = value
    return page.run()


def test_options_without_parameters_are_the_usual_ones() -> None:
    page = drawn()

    assert page.text[0].value == "('lump', 0.1, '2026-02-01', {'AUSDT': 1.0, 'BUSDT': 1.0})"
    assert not page.warning


def test_options_of_the_url_are_shown_by_the_controls() -> None:
    page = drawn(mode="regular", fee="0.5", weights="CUSDT:3,AUSDT:1", **{"from": "2026-02-10"})

    assert page.text[0].value == "('regular', 0.5, '2026-02-10', {'CUSDT': 3.0, 'AUSDT': 1.0})"
    assert page.selectbox(key="o_mode").value == "regular"
    assert page.multiselect(key="o_weights").value == ["CUSDT", "AUSDT"]
    assert page.number_input(key="o_weights_CUSDT").value == 3.0
    assert not page.warning


def test_options_that_make_no_sense_are_remarked_upon_and_replaced() -> None:
    page = drawn(mode="<b>", fee="-3", weights="NOPE:1", **{"from": "2031-01-01"})

    assert page.text[0].value == "('lump', 0.1, '2026-02-01', {'AUSDT': 1.0, 'BUSDT': 1.0})"
    assert [warning.value.split("'")[0].strip() for warning in page.warning] == [
        "The link asks for mode",
        "The link asks for fee",
        "The link asks for from",
        "The link asks for weights",
    ]


def test_options_changed_by_their_controls_go_into_the_url_and_the_usual_ones_out_of_it() -> None:
    page = drawn(mode="regular")

    page.number_input(key="o_fee").set_value(1.5).run()
    page.selectbox(key="o_mode").select("lump").run()
    assert page.query_params["fee"] == "1.5"
    assert "mode" not in page.query_params


def test_basket_takes_a_coin_in_with_the_usual_part_and_keeps_the_others() -> None:
    page = drawn(weights="AUSDT:60,BUSDT:20")

    page.multiselect(key="o_weights").set_value(["AUSDT", "BUSDT", "CUSDT"]).run()
    assert page.query_params["weights"] == "AUSDT:60,BUSDT:20,CUSDT:40"

    page.number_input(key="o_weights_BUSDT").set_value(0.0).run()
    assert page.query_params["weights"] == "AUSDT:60,BUSDT:0,CUSDT:40"
    assert page.text[0].value.endswith("{'AUSDT': 60.0, 'BUSDT': 0.0, 'CUSDT': 40.0})")


def test_numbers_keep_all_their_digits_in_the_url() -> None:
    page = drawn(weights="AUSDT:1234567.25,BUSDT:1")

    page.multiselect(key="o_weights").set_value(["AUSDT", "BUSDT", "CUSDT"]).run()
    assert page.query_params["weights"].startswith("AUSDT:1234567.25,BUSDT:1,")


def test_text_of_a_link_is_not_markdown() -> None:
    page = drawn(mode="[x](https://a.b) :red[y]")

    assert "'\\[x\\]\\(https\\://a.b\\) \\:red\\[y\\]'" in page.warning[0].value


def test_parts_of_a_basket_that_cannot_be_used_are_remarked_upon() -> None:
    page = drawn(weights="AUSDT:1,NOPE:1,BUSDT:much")

    assert page.text[0].value.endswith("{'AUSDT': 1.0})")
    assert "what of it can be used is shown" in page.warning[0].value


def test_basket_of_nothing_is_remarked_upon() -> None:
    page = drawn(weights="AUSDT:0")

    assert page.text[0].value.endswith("{'AUSDT': 1.0, 'BUSDT': 1.0})")
    assert "the usual basket is shown" in page.warning[0].value
