"""The motif grammar: scores, soft hits, accessibility, and variant effects by the same function."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accessiflow.errors import InputError
from accessiflow.genome import reverse_complement
from accessiflow.motifs import write_meme
from accessiflow.simulate import grammar, motifs
from accessiflow.simulate.design import MAX_CELL_TYPES, SEQ_LENGTH, UBIQUITOUS_CLUSTER, StudyDesign
from accessiflow.simulate.elements import CORE, ELEMENT_WIDTH, make_chromosome, make_genes

DESIGN = StudyDesign(
    seed=5, chromosomes=3, chrom_length=120_000, cell_types=4, individuals=20, gwas_individuals=100, snps=300
)


@pytest.fixture(scope="module")
def made():
    """The grammar, a chromosome, its base codes cut to whole cells, and its occupancy."""
    rules = grammar.make_grammar(DESIGN)
    chromosome = make_chromosome(DESIGN, rules, 0)
    return rules, chromosome, rules.occupancy(chromosome.codes)


def test_profiles_are_informative_and_enough_for_the_largest_design():
    profiles = motifs.load_motifs(len(motifs.PROFILES))
    assert len(set(motifs.PROFILES)) == len(profiles) >= grammar.MOTIFS_PER_CLUSTER * (MAX_CELL_TYPES + 3)
    assert min(m.information for m in profiles) >= 13.7
    assert all(np.allclose(m.probabilities.sum(1), 1) for m in profiles)


def test_meme_file_is_read_back(tmp_path):
    from Bio import motifs as bio

    some = motifs.load_motifs(3)
    write_meme(some, tmp_path / "m.meme")
    with open(tmp_path / "m.meme") as handle:
        read = bio.parse(handle, "minimal")
    assert [m.name.split()[0] for m in read] == [m.matrix_id for m in some]
    assert [m.length for m in read] == [m.width for m in some]


@settings(max_examples=25, deadline=None)
@given(st.integers(5, 21), st.integers(22, 60), st.integers(0, 10**6))
def test_scores_equal_a_sum_over_positions(width, length, seed):
    rng = np.random.default_rng(seed)
    matrix, codes = rng.normal(size=(width, 4)), rng.integers(0, 4, (2, length), dtype=np.uint8)
    expected = [
        [matrix[np.arange(width), row[i : i + width]].sum() for i in range(length - width + 1)] for row in codes
    ]
    assert np.allclose(grammar._scores(grammar._words(codes), matrix), expected, atol=1e-4)


def test_soft_hits_rise_from_nothing_to_one():
    motif = motifs.load_motifs(1)[0]
    hits = grammar.soft_hits(np.linspace(-30, 40, 500), motif)
    assert (np.diff(hits) >= 0).all()
    assert hits[0] == 0
    assert hits[-1] == pytest.approx(1)
    assert grammar.soft_hits(np.array([grammar.threshold(motif)]), motif) == pytest.approx(0.5)


def test_instances_follow_the_motif_above_its_threshold():
    motif = motifs.load_motifs(1)[0]
    drawn = grammar.instances(motif, 3000, np.random.default_rng(0))
    assert drawn.shape == (3000, motif.width)
    assert motif.log_odds[np.arange(motif.width), drawn].sum(1).min() >= grammar.threshold(motif)
    assert np.bincount(drawn[:, 3], minlength=4).argmax() == motif.probabilities[3].argmax()


def test_both_strands_count_alike(made):
    rules, chromosome, occupancy = made
    reverse = rules.occupancy(reverse_complement(chromosome.codes))
    assert np.allclose(reverse.sum(0), occupancy.sum(0), rtol=1e-3)


def test_elements_are_open_where_they_should_be(made):
    _, chromosome, occupancy = made
    centre = ((chromosome.elements["start"] + chromosome.elements["end"]) // 2 // grammar.CELL).to_numpy()
    names = DESIGN.cell_type_names
    for cluster, members in DESIGN.clusters.items():
        here = occupancy[centre[chromosome.elements["cluster"] == cluster]]
        assert here[:, [names.index(m) for m in members]].min() > 0.2
        if closed := [names.index(n) for n in names if n not in members]:
            assert here[:, closed].mean() < 0.3


def test_another_seed_gives_another_genome(made):
    rules, chromosome, _ = made
    other = make_chromosome(replace(DESIGN, seed=6), rules, 0)
    assert not np.array_equal(other.codes, chromosome.codes)
    assert np.array_equal(make_chromosome(DESIGN, rules, 0).codes, chromosome.codes)


def test_elements_do_not_overlap_and_hold_their_instances(made):
    _, chromosome, _ = made
    elements, sites = chromosome.elements, chromosome.sites
    assert (elements["end"] - elements["start"] == ELEMENT_WIDTH).all()
    assert (elements["start"].to_numpy()[1:] >= elements["end"].to_numpy()[:-1]).all()
    own = elements.iloc[sites["element"]]
    margin = (ELEMENT_WIDTH - CORE) // 2
    assert (sites["start"].to_numpy() >= own["start"].to_numpy() + margin).all()
    assert (sites["end"].to_numpy() <= own["end"].to_numpy() - margin).all()
    assert (sites["start"].to_numpy()[1:] >= sites["end"].to_numpy()[:-1]).all()
    assert sites.groupby("element").size().between(1, 5).all()
    shares = elements["cluster"].value_counts(normalize=True)
    assert shares[UBIQUITOUS_CLUSTER] == pytest.approx(0.2, abs=0.03)


def test_genes_start_in_ubiquitous_elements(made):
    _, chromosome, _ = made
    genes = make_genes(chromosome.elements, DESIGN)
    tss = np.where(genes["strand"] == "+", genes["start"], genes["end"] - 1)
    promoters = chromosome.elements[chromosome.elements["cluster"] == UBIQUITOUS_CLUSTER]
    assert np.isin(tss, ((promoters["start"] + promoters["end"]) // 2).to_numpy()).all()
    assert (genes["start"] >= 0).all()
    assert (genes["end"] <= DESIGN.chrom_length).all()


def test_effects_equal_the_accessibility_of_the_changed_sequence(made):
    rules, chromosome, occupancy = made
    rng = np.random.default_rng(0)
    sites = chromosome.sites.iloc[rng.choice(len(chromosome.sites), 12, replace=False)]
    position = np.r_[sites["start"].to_numpy() + 4, rng.integers(SEQ_LENGTH, DESIGN.chrom_length - SEQ_LENGTH, 4)]
    alt = ((chromosome.codes[position] + rng.integers(1, 4, len(position))) % 4).astype(np.uint8)
    effects = rules.effects(chromosome.codes, occupancy, position, alt)
    assert np.abs(effects.difference).max() > 1
    for row, (p, a) in enumerate(zip(position, alt, strict=True)):
        changed = chromosome.codes.copy()
        changed[p] = a
        first = (p - 95 + 4) // grammar.CELL
        for codes, value in ((chromosome.codes, effects.ref), (changed, effects.alt)):
            window = grammar.accessibility(rules.occupancy(codes)[first : first + 24]).sum(0)
            assert np.allclose(window, value[row], atol=1e-9)


def test_reference_allele_has_no_effect_and_alleles_are_antisymmetric(made):
    rules, chromosome, occupancy = made
    position = chromosome.sites["start"].to_numpy()[:50] + 3
    ref = chromosome.codes[position]
    assert not rules.effects(chromosome.codes, occupancy, position, ref).difference.any()
    changed, at, alt = chromosome.codes.copy(), position[:1], (ref[:1] ^ 1).astype(np.uint8)
    changed[at] = alt
    forth = rules.effects(chromosome.codes, occupancy, at, alt).difference
    back = rules.effects(changed, rules.occupancy(changed), at, ref[:1]).difference
    assert np.allclose(forth, -back, atol=1e-9)


@pytest.mark.parametrize(
    ("option", "value"),
    [("chromosomes", 2), ("cell_types", 3), ("cell_types", 13), ("chrom_length", 5000), ("snps", 0)],
)
def test_impossible_sizes_are_refused(option, value):
    with pytest.raises(InputError, match=f"--{option.replace('_', '-')} {value} is not between"):
        StudyDesign(**{option: value})
