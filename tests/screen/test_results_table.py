"""Laboratory results: the newest of each analysis, how it is judged, and its course."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.screen.views import trend
from altid.screen.views.judgement import Judgement, Level
from altid.screen.views.readings import Kind, Reading
from altid.screen.views.results import Results, results_of
from altid.screen.views.trend import Mark
from altid.screen.views.values import Pair, Quantity
from altid.screen.words import words
from tests.screen.charts import HL7, chart, coded, measured

DA = words("da")
INTERPRETATION = f"{HL7}/v3-ObservationInterpretation"
RANGE = [{"low": {"value": 3.5, "unit": "mmol/L"}, "high": {"value": 4.4, "unit": "mmol/L"}}]


def laboratory(*observations: dict[str, Any]) -> Results:
    return results_of(chart(*observations), Kind.LABORATORY)


def only(**elements: Any) -> Reading:
    (analysis,) = laboratory(measured(elements.pop("value", 4.0), "2026-11-17", **elements)).analyses
    return analysis.latest


def day(number: int) -> str:
    return f"2026-11-{number:02d}T07:00:00+01:00"


def test_an_analysis_has_its_newest_result_first() -> None:
    found = laboratory(measured(4.1, day(15)), measured(4.3, day(17)), measured(4.2, day(16)))
    (analysis,) = found.analyses
    assert analysis.previous is not None
    assert [DA.value(reading.value) for reading in analysis.readings if reading.value] == [
        "4,3",
        "4,2",
        "4,1",
    ]


def test_the_analysis_with_the_newest_result_comes_first() -> None:
    found = laboratory(measured(4.1, day(15)), measured(140, day(16), "NPU03429", code={"text": "Natrium;P"}))
    assert [analysis.name for analysis in found.analyses] == ["Natrium;P", "Kalium;P"]


def test_two_codes_of_one_analysis_are_one_row() -> None:
    other = {"text": "Kalium", "coding": [{"system": "http://npu-terminology.org", "code": "NPU03230"}]}
    assert len(laboratory(measured(4.1, day(15)), measured(4.2, day(16), code=other)).analyses) == 1


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
def test_a_withdrawn_result_is_not_shown(status: str) -> None:
    assert laboratory(measured(4.1, day(15), status=status)).analyses == ()


@pytest.mark.parametrize(
    ("code", "level"),
    [("HH", "critical-high"), ("L", "low"), ("N", "normal"), ("A", "abnormal"), ("POS", "positive")],
)
def test_the_laboratorys_word_counts(code: str, level: str) -> None:
    judgement = only(interpretation=[coded(INTERPRETATION, code)], referenceRange=RANGE).judgement
    assert judgement == Judgement(Level(level))


def test_the_gravest_word_counts() -> None:
    given_words = [coded(INTERPRETATION, "H"), coded(INTERPRETATION, "HH")]
    judgement = only(interpretation=given_words).judgement
    assert judgement == Judgement(Level.CRITICAL_HIGH)


def test_a_word_that_we_do_not_know_is_shown_as_written() -> None:
    assert only(interpretation=[{"text": "tvivlsom"}]).judgement == Judgement(Level.OTHER, "tvivlsom")


@pytest.mark.parametrize(
    ("value", "comparator", "level"),
    [
        (4.5, None, "high"),
        (3.4, None, "low"),
        (4.4, None, "normal"),
        (3.0, "<", "low"),
        (4.0, "<", None),
        (9.0, "<", None),
        (9.0, ">", "high"),
        (4.0, ">", None),
    ],
)
def test_without_a_word_the_interval_judges_what_it_can(
    value: float, comparator: str | None, level: str | None
) -> None:
    quantity = {"value": value, "unit": "mmol/L", **({"comparator": comparator} if comparator else {})}
    judgement = only(valueQuantity=quantity, referenceRange=RANGE).judgement
    assert judgement == (Judgement(Level(level), is_derived=True) if level else None)


def test_an_interval_in_another_unit_judges_nothing() -> None:
    other = [{"high": {"value": 1, "unit": "g/L", "system": "http://unitsofmeasure.org", "code": "g/L"}}]
    assert only(value=400, referenceRange=other).judgement is None


def test_a_treatment_goal_is_no_normal_range() -> None:
    goal = [{"type": coded(f"{HL7}/referencerange-meaning", "treatment"), **RANGE[0]}]
    assert only(value=9, referenceRange=goal).interval is None


@pytest.mark.parametrize(
    ("element", "said"),
    [
        ({"valueString": "klar"}, "klar"),
        ({"valueCodeableConcept": {"text": "E. coli"}}, "E. coli"),
        ({"valueBoolean": True}, "ja"),
        ({"valueInteger": 3}, "3"),
        ({"valueRange": {"low": {"value": 1}, "high": {"value": 5}}}, "1–5"),
        ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}}, "1 : 128"),
        ({"valueDateTime": "2026-11"}, "nov\u00a02026"),
        ({"valueTime": "07:30:00"}, "07:30:00"),
        ({"valueQuantity": {"value": 4, "comparator": "<="}}, "≤4"),
    ],
)
def test_every_kind_of_value_is_shown(element: dict[str, Any], said: str) -> None:
    value = (
        only(valueQuantity=None, **element).value if "valueQuantity" not in element else only(**element).value
    )
    assert value is not None
    assert DA.value(value) == said


def test_a_missing_value_says_why() -> None:
    assert only(valueQuantity=None, dataAbsentReason={"text": "hæmolyseret"}).missing == "hæmolyseret"


def test_components_are_rows_of_their_own() -> None:
    parts = [
        {"code": {"text": "glukose"}, "valueString": "neg"},
        {"code": {"text": "blod"}, "valueString": "2+"},
    ]
    found = laboratory(measured(0, day(1), code={"text": "Urinstix"}, valueQuantity=None, component=parts))
    assert [analysis.name for analysis in found.analyses] == ["blod", "glukose"]


def test_without_a_category_an_npu_code_means_the_laboratory() -> None:
    assert len(laboratory(measured(4, day(1), category=None)).analyses) == 1


def test_what_is_neither_stands_with_the_other_measurements() -> None:
    survey = measured(4, day(1), category=[coded(f"{HL7}/observation-category", "survey")])
    assert len(results_of(chart(survey), Kind.OTHER).analyses) == 1


def test_what_could_not_be_read_is_not_an_empty_list() -> None:
    assert not results_of(chart(unread=("Observation",)), Kind.LABORATORY).is_known


def test_that_older_results_exist_is_known() -> None:
    assert results_of(chart(older=("Observation",)), Kind.LABORATORY).has_older


# The graph


def course(*values: float, **elements: Any) -> trend.Trend:
    """The graph of values measured on consecutive days."""
    (analysis,) = laboratory(*(measured(v, day(n), **elements) for n, v in enumerate(values, 1))).analyses
    assert analysis.trend is not None
    return analysis.trend


def test_the_oldest_is_on_the_left_and_time_is_linear() -> None:
    xs = [point.x for point in course(4.0, 4.1, 4.2).lines[0]]
    assert xs == sorted(xs)
    assert xs[1] - xs[0] == pytest.approx(xs[2] - xs[1])


def test_the_higher_value_is_drawn_higher() -> None:
    first, second = course(4.0, 5.0).lines[0]
    assert second.y < first.y


def test_the_normal_range_is_a_band() -> None:
    band = course(4.0, 4.1, referenceRange=RANGE).band
    assert band is not None
    top, height = band
    points = course(4.0, 4.1, referenceRange=RANGE).lines[0]
    assert all(top <= point.y <= top + height for point in points)


@pytest.mark.parametrize("limit", ["low", "high"])
def test_an_open_range_reaches_to_the_edge(limit: str) -> None:
    band = course(4.0, 4.1, referenceRange=[{limit: {"value": 4.05, "unit": "mmol/L"}}]).band
    assert band is not None
    assert (band[0] == 0) if limit == "low" else (band[0] + band[1] == trend.HEIGHT)


def test_a_point_outside_has_another_shape() -> None:
    marks = [point.mark for point in course(4.0, 5.0, referenceRange=RANGE).lines[0]]
    assert marks == [Mark.INSIDE, Mark.OUTSIDE]


def test_less_than_is_drawn_as_a_limit() -> None:
    less = {"value": 4, "unit": "mmol/L", "comparator": "<"}
    assert course(4.0, 4.0, valueQuantity=less).lines[0][0].mark is Mark.LIMIT


def test_one_value_is_no_course() -> None:
    assert laboratory(measured(4.0, day(1))).analyses[0].trend is None


def test_values_of_another_unit_are_not_joined() -> None:
    grams = measured(4.0, day(1), valueQuantity={"value": 4, "unit": "g/L"})
    assert laboratory(grams, measured(4.0, day(2))).analyses[0].trend is None


def test_noise_is_not_drawn_as_a_fall() -> None:
    first, second = course(100.0, 100.5).lines[0]
    assert abs(first.y - second.y) < trend.HEIGHT / 10


def test_a_narrow_range_is_drawn_large() -> None:
    narrow = [{"low": {"value": 7.37, "unit": "mmol/L"}, "high": {"value": 7.45, "unit": "mmol/L"}}]
    band = course(7.33, 7.40, referenceRange=narrow).band
    assert band is not None
    assert band[1] > trend.HEIGHT / 4


def test_all_graphs_of_a_table_share_one_time_axis() -> None:
    sodium = [measured(140, day(n), "NPU03429") for n in (2, 3)]
    potassium = [measured(4.0, day(n)) for n in (1, 2, 3)]
    first, second = (analysis.trend for analysis in laboratory(*sodium, *potassium).analyses)
    assert first is not None
    assert second is not None
    shared = {point.x for point in first.lines[0]} & {point.x for point in second.lines[0]}
    assert len(shared) == 2


def test_old_results_do_not_press_the_new_ones_together() -> None:
    old = measured(4.0, "1998-01-01T07:00:00+01:00")
    found = laboratory(old, *(measured(4.0, day(n)) for n in range(10, 16)))
    assert found.window is not None
    assert found.window.end - found.window.start < timedelta(days=14)


@given(
    st.lists(
        st.tuples(
            st.datetimes(datetime.fromisoformat("1900-01-01"), datetime.fromisoformat("2100-01-01")),
            st.floats(-1e6, 1e6, allow_nan=False),
        ),
        min_size=2,
        max_size=12,
    )
)
def test_every_point_lies_inside_the_graph(points: list[tuple[datetime, float]]) -> None:
    readings = [measured(value, f"{at:%Y-%m-%dT%H:%M:%S}Z") for at, value in points]
    drawn = laboratory(*readings).analyses[0].trend
    if drawn is not None:
        inside = [0 <= p.x <= trend.WIDTH and 0 <= p.y <= trend.HEIGHT for line in drawn.lines for p in line]
        assert all(inside)


def test_blood_pressure_is_one_reading_of_two_numbers() -> None:
    def part(code: str, value: int) -> dict[str, Any]:
        return {"code": coded("http://loinc.org", code), "valueQuantity": {"value": value, "unit": "mmHg"}}

    pressure = only(valueQuantity=None, component=[part("8462-4", 80), part("8480-6", 120)])
    assert pressure.value == Pair(Quantity(120, "mmHg"), Quantity(80, "mmHg"))


def test_results_of_the_first_years_there_are_have_a_course() -> None:
    found = laboratory(measured(4.1, "0001-01-02"), measured(4.3, "0001-01-04"))
    assert found.analyses[0].trend is not None
