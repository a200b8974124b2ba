"""The experiments and claims as data: names that exist, and values that are the published ones."""

import re

import pytest

from bench.commands.reproduce import reproduce
from bench.datasets import builtin
from bench.datasets.public import PUBLIC
from bench.models import cards
from bench.noise import noises
from bench.protocols import load_protocol
from bench.reproduction import claims, experiments
from bench.reproduction.evidence import settings_of
from bench.reproduction.weights import network_and_stem

WRAPPED = {"wne(dncnn)"}  # networks in wrappers
NAMES = experiments.names()


@pytest.mark.parametrize("name", NAMES)
def test_an_experiment_names_what_exists(name):
    found = experiments.load(name)
    assert {network_and_stem(role, "small")[0] for role in found.roles} <= {*cards.networks(), *WRAPPED}
    assert set(found.datasets) <= {*PUBLIC, *builtin.NAMES, *experiments.dataset_facts()}
    load_protocol(found.protocol)
    for values in found.values:
        assert set(values.of_role) <= set(found.roles)
        assert all(len(one) == len(values.metrics) for one in values.of_role.values())
    for entry in found.analyse:
        assert set(entry["roles"]) <= set(found.roles)


@pytest.mark.parametrize("name", NAMES)
def test_published_values_are_of_noises_that_are_evaluated(name):
    found = experiments.load(name)
    evaluated = {(noise, one["dataset"]) for one in found.evaluate for noise in settings_of(one["noise"])}
    for values in found.values:
        assert {(noise, values.dataset) for noise in settings_of(values.noise)} <= evaluated


@pytest.mark.parametrize("claim", claims.claims(), ids=lambda claim: claim.name)
def test_a_claim_is_about_what_its_experiment_does(claim):
    found = experiments.load(claim.experiment)
    assert set(claim.roles) <= {*found.roles, "noisy"}
    assert claim.dataset in {*found.datasets, ""}
    needed = {noise for text in (*claim.noises, claim.seen) if text for noise in settings_of(text)}
    evaluated = {noise for one in found.evaluate for noise in settings_of(one["noise"])}
    assert needed <= {*evaluated, noises.REFERENCE}
    if claim.measure or claim.test in ("deeper", "completed"):
        assert found.analyse
    assert claim.test in claims.TESTS


def test_claims_have_names_of_their_own():
    names = [claim.name for claim in claims.claims()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", NAMES)
def test_values_are_those_of_the_protocol(name, shared):
    """Each published value stands in the line of its network in the facts, so a typing error is red."""
    text = (shared / "PROTOCOL.md").read_text()
    numbers = {float(one) for one in re.findall(r"(?<![\d.])\d*\.\d+", text)}
    for values in experiments.load(name).values:
        assert {value for one in values.of_role.values() for value in one} <= numbers


def test_table_3b_by_network(shared):
    """The rows of the facts, read again, against the data file."""
    lines = [line for line in (shared / "PROTOCOL.md").read_text().splitlines() if line.count("|") == 5]
    rows = {line.split("|")[1].strip().lower(): [part.strip() for part in line.split("|")[2:5]] for line in lines}
    table, isp = experiments.load("table-3b"), experiments.load("table-3c")
    for values, column in zip((*table.values, *isp.values), (0, 1, 2), strict=True):
        for role, published in values.of_role.items():
            assert tuple(map(float, rows[role][column].split(" / "))) == published


def test_every_experiment_is_a_command():
    listed = reproduce.list_commands(None)
    assert {*NAMES, "all", "list", "claims"} == set(listed)
    assert all(reproduce.get_command(None, name) for name in listed)
