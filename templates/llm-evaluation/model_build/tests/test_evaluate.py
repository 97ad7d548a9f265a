"""What judgements come to, and when that is enough."""

import csv

import evaluate
import pytest

from pipelines import gate

LIMITS = {"pass_rate": 0.8, "win_rate": 0.5, "unfinished_share": 0.05, "unjudged_share": 0.05}


def record(number=1, **more):
    return {
        "id": f"q-{number}",
        "kind": "q",
        "prompt": "How long?",
        "context": "",
        "expected": "60 days",
        "facts": ["60"],
        "facts_found": True,
        "score": 5,
        "passed": True,
        "orders": ["win", "win"],
        "outcome": "win",
        "reason": "right",
        "answer_text": "60 days",
        "answer_stop": "end_turn",
        "answer_unfinished": False,
        "answer_input_tokens": 100,
        "answer_output_tokens": 10,
        "answer_latency_ms": 10 * number,
        "input_tokens": 900,
        "output_tokens": 30,
        **more,
    }


def report(*changed, of=40):
    records = [record(number) for number in range(1, of + 1)]
    for position, more in enumerate(changed):
        records[position].update(more)
    return evaluate.metrics(records)


def test_the_interval_is_wilsons():
    """Values of the formula's publication in other tools: 8 of 10, and both ends."""
    mean, low, high = evaluate.interval([1.0] * 8 + [0.0] * 2)
    assert (mean, round(low, 4), round(high, 4)) == (0.8, 0.4902, 0.9433)
    assert [round(each, 4) for each in evaluate.interval([1.0] * 10)] == [1.0, 0.7225, 1.0]
    assert [round(each, 4) for each in evaluate.interval([0.0] * 10)] == [0.0, 0.0, 0.2775]
    assert evaluate.interval([]) == (0.0, 0.0, 1.0)


def test_good_answers_pass():
    good, sentence = gate.verdict(report(), LIMITS)
    assert good
    assert sentence.startswith("Pass rate 1.000 (limit 0.8), win rate against the baseline 1.000 (at least 0.9")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ([{"score": 2, "passed": False}] * 9, "pass_rate is 0.775 and has to be at least 0.8"),
        ([{"outcome": "loss", "orders": ["loss"] * 2}] * 18, "win_rate (lower end of its 95 % interval) is 0.398"),
        ([{"answer_unfinished": True}] * 3, "unfinished_share is 0.075 and has to be at most 0.05"),
        ([{"score": None, "passed": None}] * 3, "unjudged_share is 0.075"),
        ([{"outcome": "", "orders": ["win", None]}] * 3, "unjudged_share is 0.075"),
    ],
)
def test_what_misses_a_limit_is_not_registered(changed, why):
    good, sentence = gate.verdict(report(*changed), LIMITS)
    assert not good
    assert why in sentence
    assert "would not register" in sentence


def test_only_ties_do_not_beat_the_baseline():
    found = report(*[{"outcome": "tie", "orders": ["win", "loss"]}] * 40)
    assert found["llm_metrics"]["win_rate"]["value"] == 0.5
    assert found["llm_metrics"]["tie_share"]["value"] == 1.0
    assert found["llm_metrics"]["order_dependent_share"]["value"] == 1.0
    assert not gate.verdict(found, LIMITS)[0]


def test_unjudged_answers_count_neither_way():
    found = report({"score": None, "passed": None, "outcome": "", "orders": [None, None]})["llm_metrics"]
    assert (found["pass_rate"]["value"], found["pass_rate"]["items"]) == (1.0, 39)
    assert (found["win_rate"]["value"], found["win_rate"]["items"]) == (1.0, 39)


def test_nothing_judged_at_all_is_no_success():
    found = report(*[{"score": None, "passed": None, "outcome": "", "orders": [None, None]}] * 40)
    assert found["pass_rate_by_kind"]["q"]["value"] == 0.0
    assert not gate.verdict(found, LIMITS)[0]


def test_filtered_answers_are_counted():
    found = report({"answer_stop": "guardrail_intervened"}, {"answer_stop": "content_filtered"})
    assert found["llm_metrics"]["filtered_share"]["value"] == 0.05
    assert found["llm_metrics"]["latency_ms_p90"]["value"] == 360.0


def test_what_it_cost():
    prices = {"candidate_input": 1.0, "candidate_output": 10.0, "judge_input": 2.0, "judge_output": 20.0}
    found = evaluate.tokens([record(), record(2)], prices)
    assert found["judge_input_tokens"]["value"] == 1800
    assert found["dollars"]["value"] == pytest.approx((200 * 1 + 20 * 10 + 1800 * 2 + 60 * 20) / 1e6)


def test_deployments_ask_again_what_was_answered_with_every_fact():
    candidate = {"template": "{prompt}\n{context}"}
    records = [
        record(1, facts_found=False),
        record(2),
        record(3),
        record(4, kind="other"),
        record(5, kind="third", passed=False),
        record(6, kind="fourth", facts=[]),
    ]
    asked = evaluate.smoke(records, candidate)["prompts"]
    assert asked == [{"id": each, "text": "How long?", "facts": ["60"]} for each in ("q-2", "q-4")]


def test_a_prompt_that_a_step_left_out_is_named():
    item = {"id": "q-1", "facts": []}
    with pytest.raises(SystemExit, match="no answer or judgement for q-1"):
        evaluate.joined([item], [{"id": "q-1", "text": ""}], [])
    with pytest.raises(SystemExit, match="for any prompt"):
        evaluate.joined([], [], [])


def test_the_table_of_answers_can_be_opened_in_a_spreadsheet(tmp_path):
    evaluate.write(tmp_path, {"evaluation.json": b"{}"}, [record(answer_text='two\nlines, "quoted"')])
    with (tmp_path / "items.csv").open(newline="", encoding="utf-8") as file:
        [row] = csv.DictReader(file)
    assert (row["answer"], row["outcome"], row["reason"]) == ('two\nlines, "quoted"', "win", "right")
