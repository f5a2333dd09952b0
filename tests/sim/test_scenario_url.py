"""Links: round trip, one canonical form, tolerance of anything, and links made long ago."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from sim.scenario import (
    MAX_MEMCGS,
    DiskModel,
    Intervention,
    InterventionKind,
    Kernel,
    MemcgAnswer,
    MemcgSpec,
    MixSpec,
    Patch,
    Scenario,
    ScenarioError,
    VmSysctl,
    WorkloadKind,
    WorkloadSpec,
)
from sim.scenario_url import (
    DEFAULTS,
    MAX_PROBLEMS,
    MAX_READ,
    MAX_WRITTEN,
    TABLE,
    VERSION,
    decode,
    decode_comparison,
    encode,
    encode_comparison,
    query_of,
    value_at,
)
from sim.scenario_url_items import (
    MEMCG_DEFAULT,
    MEMCG_LETTERS,
    MIX_DEFAULT,
    MIX_SHARES,
    WORKLOAD_DEFAULT,
    WORKLOAD_LETTERS,
)
from tests.support.strategies import scenarios

MUSEUM = Path(__file__).with_name("museum.txt")
SLOW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _leaves(spec: object, prefix: str = "") -> set[str]:
    """Paths of every field; sections are walked into, lists and the mix are one key each."""
    out: set[str] = set()
    for f in dataclasses.fields(spec):  # type: ignore[arg-type]
        value = getattr(spec, f.name)
        if dataclasses.is_dataclass(value) and f.name != "mix":
            out |= _leaves(value, f"{prefix}{f.name}.")
        else:
            out.add(f"{prefix}{f.name}")
    return out


def test_every_field_has_one_row_and_every_row_a_field() -> None:
    paths = [row.path for row in TABLE]
    assert len(set(paths)) == len(paths)
    assert set(paths) == _leaves(Scenario())


def test_every_field_of_list_items_has_a_letter() -> None:
    workload = {f.name for f in dataclasses.fields(WorkloadSpec)} - {"kind", "memcg"}
    assert set(WORKLOAD_LETTERS.values()) == workload
    mix = {f.name for f in dataclasses.fields(MixSpec)} - {"rate_kib_per_s", "memcg"}
    assert set(MIX_SHARES) == mix
    memcg = {f.name for f in dataclasses.fields(MemcgSpec)} - {"name", "limit_mib"}
    assert set(MEMCG_LETTERS.values()) == memcg


def test_keys_are_unique_and_in_the_alphabet() -> None:
    keys = [row.key for row in TABLE]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(r"[a-z][a-z0-9]*", key) for key in keys)
    assert not {"v", "b", "c", "d"} & set(keys)


def test_frozen_defaults_are_todays_defaults() -> None:
    # A changed default would silently change old links: give it a new version of DEFAULTS.
    assert DEFAULTS[VERSION] == Scenario()
    assert MemcgSpec(name="g") == MEMCG_DEFAULT
    assert WorkloadSpec(kind=WorkloadKind.SEQ_WRITER) == WORKLOAD_DEFAULT
    assert MixSpec() == MIX_DEFAULT == DEFAULTS[VERSION].mix


def test_the_default_scenario_is_the_shortest_link() -> None:
    assert encode(Scenario()) == "v=1&seed=1"
    assert decode("") == (Scenario(), [])
    assert decode("v=1&seed=1") == (Scenario(), [])


@SLOW
@given(scenarios())
def test_any_valid_scenario_survives_its_link(scenario: Scenario) -> None:
    link = encode(scenario)
    assert len(link) <= MAX_WRITTEN
    assert re.fullmatch(r"[A-Za-z0-9._~&=-]*[A-Za-z0-9=-]", link)
    assert link.startswith(f"v={VERSION}&seed={scenario.seed}")
    assert decode(link) == (scenario, [])
    assert encode(decode(link)[0]) == link


@SLOW
@given(st.lists(scenarios(), min_size=1, max_size=3))
def test_a_comparison_survives_its_link(compared: list[Scenario]) -> None:
    try:
        link = encode_comparison(compared)
    except ScenarioError as error:
        if error.problem.limit != str(MAX_WRITTEN):
            raise
        reject()
    assert decode_comparison(link) == [(s, []) for s in compared]
    assert decode(link) == (compared[0], [])


_KEYS = st.sampled_from([row.key for row in TABLE] + ["v", "b", "b.p", "c.w", "file", "zz", ""])
_VALUES = st.text(max_size=12) | st.from_regex(
    r"[a-z]{1,6}(\.[a-z]{0,3}-?[0-9]{0,12}){0,4}(~g\.x9{1,6}\.64)?", fullmatch=True
)


@given(
    st.text(max_size=300)
    | st.lists(st.tuples(_KEYS, _VALUES), max_size=12).map(
        lambda pairs: "&".join(f"{key}={value}" for key, value in pairs)
    )
)
def test_any_text_decodes_to_a_scenario_that_only_a_limit_forbids(text: str) -> None:
    for scenario, problems in [decode(text), *decode_comparison(text)]:
        assert {p.field for p in scenario.validate()} <= {"duration_ms", "workloads"}
        assert len(problems) <= MAX_PROBLEMS + 1
        again, _ = decode(text)
        assert again == decode(text)[0]
        assert decode(encode(again))[0] == again


@pytest.mark.parametrize(
    ("link", "field", "value"),
    [
        ("dr=abc", "vm.dirty_ratio", "abc"),
        ("dr=3", "vm.dirty_ratio", "3"),
        ("dr=101", "vm.dirty_ratio", "101"),
        ("dr=%D9%A3", "vm.dirty_ratio", "٣"),
        ("seed=-1", "seed", "-1"),
        ("dur=144000000", "duration_ms", "144000000"),
        ("kernel=2.4", "kernel", "2.4"),
        ("p=p9", "patches", "p9"),
        ("p=p6.p6-recorded", "patches", "p6.p6-recorded"),
        ("a=wait.write", "memcg_answers", "wait.write"),
        ("m=Root.64", "memcgs.0.name", "Root"),
        ("m=root.64", "memcgs.0.name", "root"),
        ("m=g.64~g.32", "memcgs.1.name", "g"),
        ("m=g.2", "memcgs.0.limit_mib", "2"),
        ("m=g.64.q32", "memcgs.0", "q32"),
        ("m=g.x0.64", "memcgs.0", "x0"),
        ("w=dance.root", "workloads.0.kind", "dance"),
        ("w=seqw.g", "workloads.0.memcg", "g"),
        ("w=seqw.root.q5", "workloads.0", "q5"),
        ("w=seqw.root.n65", "workloads.0.threads", "65"),
        ("mix=5.g", "mix.memcg", "g"),
        ("mix=5.root.tango9", "mix", "tango9"),
        ("mix=-5", "mix.rate_kib_per_s", "-5"),
        ("flavour=mint", "flavour", "mint"),
        ("i=x", "interventions.0", "x"),
        ("i=5d.patch.p6.on", "interventions.0.at_ms", "5d"),
        ("i=60000.patch.p6.on", "interventions.0.at_ms", "60000"),
        ("i=5s.tune.p6.on", "interventions.0.what", "tune"),
        ("i=5s.patch.p9.on", "interventions.0.whose", "p9"),
        ("i=5s.limit.g.64", "interventions.0.whose", "g"),
        ("m=g.64&i=5s.limit.g.2", "interventions.0.value", "2"),
        ("i=5s.vm.dirty_ratio.max", "interventions.0.value", "max"),
        ("i=5s.rate.w1.64", "interventions.0.whose", "w1"),
        ("p=p6&i=5s.patch.p6-recorded.on", "interventions.0.whose", "p6-recorded"),
        ("dr=30&dr=40", "vm.dirty_ratio", "40"),
        ("v=7", "v", "7"),
        ("file=0123456789ab", "file", "0123456789ab"),
    ],
)
def test_what_a_link_cannot_mean_is_named(link: str, field: str, value: str) -> None:
    _, problems = decode(link)
    assert [(p.field, p.value) for p in problems] == [(field, value)]


def test_one_bad_key_does_not_void_the_others() -> None:
    scenario, problems = decode("v=1&seed=9&dr=abc&p=p6&ram=2048")
    assert scenario.seed == 9
    assert scenario.patches == {Patch.P6}
    assert scenario.memory.ram_mib == 2048
    assert scenario.vm.dirty_ratio == VmSysctl().dirty_ratio
    assert [str(p) for p in problems] == ["vm.dirty_ratio = abc: is not a whole number; 20 is used"]


def test_repetition_is_written_short_and_read_back() -> None:
    groups = tuple(MemcgSpec(name=f"g{i + 1}", limit_mib=64) for i in range(MAX_MEMCGS))
    writers = tuple(WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, memcg=g.name) for g in groups)
    link = encode(Scenario(memcgs=groups, workloads=writers))
    assert link == "v=1&seed=1&m=g.x200.64&w=seqw.g.x200"
    assert decode(link)[0].workloads == writers


def test_the_grammar_of_lists_is_that_of_the_interfaces() -> None:
    scenario, problems = decode("m=g1.64~g2.128&w=seqw.g1.r20.f512~mmap.root.f600.n2")
    assert problems == []
    assert scenario.memcgs == (
        MemcgSpec(name="g1", limit_mib=64),
        MemcgSpec(name="g2", limit_mib=128),
    )
    assert scenario.workloads == (
        WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, memcg="g1", rate_kib_per_s=20, file_mib=512),
        WorkloadSpec(kind=WorkloadKind.MMAP_DIRTIER, file_mib=600, threads=2),
    )


def test_containers_have_a_soft_limit_and_one_above_them() -> None:
    scenario, problems = decode("m=box.64~web.32.p-box.s16~web-.x2.8.p-web")
    assert problems == []
    assert scenario.memcgs == (
        MemcgSpec(name="box", limit_mib=64),
        MemcgSpec(name="web", limit_mib=32, soft_limit_mib=16, parent="box"),
        MemcgSpec(name="web-1", limit_mib=8, parent="web"),
        MemcgSpec(name="web-2", limit_mib=8, parent="web"),
    )
    assert encode(scenario) == "v=1&seed=1&m=box.64~web.32.s16.p-box~web-.x2.8.p-web"
    assert decode("m=box.64.s0.p-root")[0].memcgs == scenario.memcgs[:1]


@pytest.mark.parametrize(
    ("option", "field", "value"),
    [
        ("p-web", "memcgs.1.parent", "web"),
        ("p-later", "memcgs.1.parent", "later"),
        ("p-", "memcgs.1.parent", ""),
        ("s-1", "memcgs.1.soft_limit_mib", "-1"),
        ("sx", "memcgs.1.soft_limit_mib", "x"),
        ("q3", "memcgs.1", "q3"),
    ],
)
def test_a_container_keeps_what_can_be_read_of_it(option: str, field: str, value: str) -> None:
    scenario, problems = decode(f"m=box.64~web.32.{option}~later.16")
    assert [(p.field, p.value) for p in problems] == [(field, value)]
    assert scenario.memcgs[1] == MemcgSpec(name="web", limit_mib=32)


def test_interventions_are_written_in_order_of_time() -> None:
    scenario, problems = decode("m=g1.64&i=30000.limit.g1.32~20s.patch.p6.on~40000.stall.disk.2000")
    assert problems == []
    assert encode(scenario).endswith("i=20000.patch.p6.on~30000.limit.g1.32~40000.stall.disk.2000")
    assert scenario.interventions[0] == Intervention(
        at_ms=20_000, what=InterventionKind.PATCH, whose="p6", value=1
    )


def test_an_intervention_that_cannot_be_takes_no_other_with_it() -> None:
    scenario, problems = decode("i=1s.patch.p6.on~2s.patch.p6-recorded.on~3s.patch.p6.off")
    assert [p.field for p in problems] == ["interventions.1.whose"]
    assert [e.at_ms for e in scenario.interventions] == [1000, 3000]


def test_a_crowd_of_memcgs_is_cut_and_said() -> None:
    scenario, problems = decode("m=g.x200.64~h.x200.64")
    assert len(scenario.memcgs) == MAX_MEMCGS
    assert problems[-1].field == "link"


def test_a_scenario_too_long_for_a_link_says_so() -> None:
    names = [f"{chr(97 + i % 26)}{i * 7919:011d}" for i in range(190)]
    scenario = Scenario(memcgs=tuple(MemcgSpec(name=name) for name in names))
    with pytest.raises(ScenarioError, match="longer than 2000 characters"):
        encode(scenario)


def test_an_overlong_link_is_cut_between_keys() -> None:
    link = "v=1&seed=5" + "&x=1" * MAX_READ + "&dr=40"
    scenario, problems = decode(link)
    assert scenario == dataclasses.replace(Scenario(), seed=5)
    assert problems[0].limit == str(MAX_READ)


@pytest.mark.parametrize(
    "link",
    [
        "v=1&seed=2&p=p5.p6",
        "?v=1&seed=2&p=p5.p6",
        "http://lab.example:8050/?v=1&seed=2&p=p5.p6#tab=io&t=10-20",
        "v=1&amp;seed=2&amp;p=p5.p6",
        "v%3D=&seed=2&p=p5%2Ep6&v=1".removeprefix("v%3D=&"),
        "  v=1&seed=2&p=p6.p5\n",
        "v=1&seed=2&p=p5.p6&format=json&view.tab=io&width=900",
    ],
)
def test_links_survive_mail_and_endpoints(link: str) -> None:
    expected = Scenario(seed=2, patches=frozenset({Patch.P5, Patch.P6}))
    assert decode(link) == (expected, [])


def test_query_of_takes_the_query_alone() -> None:
    assert query_of("https://h/?a=1#b") == "a=1"
    assert query_of("a=1") == "a=1"


def test_variants_are_differences_from_the_first() -> None:
    a = Scenario(patches=frozenset({Patch.P5}), memcg_answers=frozenset({MemcgAnswer.WAIT}))
    b = dataclasses.replace(a, patches=frozenset({Patch.P5, Patch.P6}))
    c = dataclasses.replace(a, memcg_answers=frozenset(), kernel=Kernel.K2_6_36)
    link = encode_comparison([a, b, a, c])
    assert link == "v=1&seed=1&p=p5&a=wait&b.p=p5.p6&c=&d.a=&d.kernel=2.6.36"
    assert [s for s, _ in decode_comparison(link)] == [a, b, a, c]


def test_a_variant_names_its_own_problems_and_keeps_a_value() -> None:
    link = "disk=rec-6.1&b.disk=tape&c.dr=999"
    (a, none), (b, of_b), (c, of_c) = decode_comparison(link)
    assert none == []
    assert a.disk.model == b.disk.model == DiskModel.RECORDED_6_1
    assert [p.field for p in of_b] == ["disk.model"]
    assert c.vm.dirty_ratio == 100
    assert [p.limit for p in of_c] == ["5..100"]


def test_no_more_than_four_scenarios_compare() -> None:
    with pytest.raises(ScenarioError, match="compares 1 to 4"):
        encode_comparison([Scenario()] * 5)


def _museum() -> list[tuple[str, str, str]]:
    rows = [line.split() for line in MUSEUM.read_text().splitlines() if line[:1] not in ("", "#")]
    return [(digest, canonical, link) for digest, canonical, link in rows]


@pytest.mark.parametrize(("digest", "canonical", "link"), _museum())
def test_old_links_open_as_what_they_were(digest: str, canonical: str, link: str) -> None:
    scenario, _ = decode(link)
    assert encode(scenario) == canonical
    assert scenario.digest() == digest


def test_value_at_reads_nested_fields() -> None:
    assert value_at(Scenario(), "vm.dirty_ratio") == 20
