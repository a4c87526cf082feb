"""Scoring variants: the laws of SAD, exclusions, shards, and in-silico saturation mutagenesis (ISM)."""

from __future__ import annotations

import gzip
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest

from accessiflow.files import in_order

pytest.importorskip("keras")
from small_model import L, write_model

from accessiflow.errors import InputError
from accessiflow.files import read_table
from accessiflow.genome import Fasta, decode, encode
from accessiflow.interpretation.ism import IsmRequest, ism, write_ism
from accessiflow.model.params import load_params
from accessiflow.prediction.ensemble import Ensemble
from accessiflow.prediction.native import NativePredictor
from accessiflow.prediction.predictor import KerasPredictor
from accessiflow.prediction.tracks import read_tracks
from accessiflow.restart import PartFile
from accessiflow.scoring import percentiles, sad
from accessiflow.scoring.effects import STATISTICS, effects
from accessiflow.variants.alleles import allele_windows, check_variant
from accessiflow.variants.vcf import read_variants, split

BOTH = Ensemble(True, (1, 0, -1))
ALL = sad.ScoreOptions(("SAD", "REF", "ALT"))
BASES = "ACGT"
ENGINES = {"native": partial(NativePredictor, threads=2), "keras": KerasPredictor}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module", params=["native", "keras"])
def predictor(model, request):
    return ENGINES[request.param](load_params(model / "params.json"), model / "model_best.h5")


@pytest.fixture(scope="module")
def tracks(model, predictor):
    return read_tracks(model / "targets.txt", predictor)


@pytest.fixture(scope="module")
def sequence(model):
    with Fasta(model / "genome.fa") as genome:
        return decode(genome.codes("chr1", 0, 500))


@pytest.fixture
def scored(model, predictor, tracks, tmp_path):
    """Score records "pos ref alt [id]" (or a path) -> datasets by name, excluded rows."""

    def run(records, options=ALL, ensemble=BOTH, name="scored"):
        path = records if isinstance(records, Path) else write_vcf(tmp_path / f"{name}.vcf", records)
        out = tmp_path / name
        counts = sad.score(predictor, path, model / "genome.fa", tracks, out, ensemble, options)
        with h5py.File(out / "sad.h5") as handle:
            found = {key: data[()] for key, data in handle.items()}
        excluded = read_table(out / "excluded.tsv", text=["set", "chrom", "reason"])
        assert counts == (len(found["pos"]), len(excluded))
        return found, excluded

    return run


def write_vcf(path: Path, records) -> Path:
    rows = [f"chr1\t{pos}\t{name[0] if name else '.'}\t{ref}\t{alt}\t.\t.\t." for pos, ref, alt, *name in records]
    path.write_text("\n".join(["##fileformat=VCFv4.2", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO", *rows]) + "\n")
    return path


def random_records(sequence: str, n: int, seed: int = 0) -> list[tuple]:
    """SNVs, insertions, deletions, MNVs and multi-allelic records at random places, edges included."""
    rng, records = np.random.default_rng(seed), []
    for i in range(n):
        pos, width = int(rng.integers(1, 490)), int(rng.integers(1, 6))
        ref = sequence[pos - 1 : pos - 1 + width]
        alts = {"".join(rng.choice(list(BASES), int(rng.integers(1, 6)))) for _ in range(1 + i % 3)} - {ref}
        records.append((pos, ref, ",".join(sorted(alts)) or ref[0] + "A", f"v{i}"))
    return records


def test_equal_alleles_score_exactly_zero(scored, sequence):
    found, _ = scored([(pos, sequence[pos - 1 : pos + 1], sequence[pos - 1 : pos + 1]) for pos in range(1, 400, 7)])
    assert (found["SAD"] == 0).all()


def test_exchanged_alleles_of_equal_length_score_exactly_the_opposite(scored, sequence):
    places = range(5, 480, 9)
    there = [(pos, sequence[pos - 1 : pos + 1], BASES[pos % 4] + BASES[pos % 3]) for pos in places]
    forth, _ = scored(there)
    back, _ = scored([(pos, alt, ref) for pos, ref, alt in there])  # REF is put into the genome in place of ALT
    assert np.array_equal(forth["SAD"], -back["SAD"])
    swapped, _ = scored([(pos, alt, ref) for pos, ref, alt in there], sad.ScoreOptions(ref_mismatch="swap"))
    assert np.array_equal(swapped["SAD"], forth["SAD"])
    assert np.array_equal(swapped["ref_allele"], forth["ref_allele"])
    kept, excluded = scored(
        [(pos, alt, ref) for pos, ref, alt in there if ref != alt], sad.ScoreOptions(ref_mismatch="exclude")
    )
    assert len(kept["pos"]) == 0
    assert set(excluded["reason"]) == {"REF is not the genome's allele, ALT is"}


def test_scores_are_the_difference_of_the_summed_predictions(scored, sequence):
    found, _ = scored(random_records(sequence, 40))
    assert found["REF"].shape == (len(found["pos"]), 4, 3)
    np.testing.assert_allclose(
        found["SAD"], found["ALT"].sum(axis=1) - found["REF"].sum(axis=1), atol=1e-6 * found["REF"].sum(axis=1).max()
    )
    assert found["SAD"].std() > 0.01


def test_order_of_records_does_not_matter(scored, sequence):
    records = [r for r in random_records(sequence, 300) if "," not in r[2]]
    order = np.random.default_rng(2).permutation(len(records))
    straight, _ = scored(records)
    mixed, _ = scored([records[i] for i in order])
    for name in ("SAD", "REF", "ALT", "snp"):
        assert np.array_equal(straight[name][order], mixed[name]), name


def test_in_shuffled_surroundings_only_variant_and_seed_decide(scored, sequence):
    records = [r for r in random_records(sequence, 60) if "," not in r[2]]
    shuffled = sad.ScoreOptions(("SAD", "REF", "ALT"), shuffle_seed=3)
    straight, _ = scored(records, shuffled)
    mixed, _ = scored(records[::-1], shuffled)
    assert np.array_equal(straight["SAD"], mixed["SAD"][::-1])
    assert not np.isclose(straight["SAD"], scored(records)[0]["SAD"]).all(axis=1).any()
    assert not np.array_equal(straight["SAD"], scored(records, sad.ScoreOptions(shuffle_seed=4))[0]["SAD"])


def test_multi_allelic_records_are_their_alleles_one_by_one(scored, sequence):
    records = random_records(sequence, 60)
    whole, _ = scored(records)
    single, _ = scored([(pos, ref, alt, name) for pos, ref, alts, name in records for alt in alts.split(",")])
    for name, values in whole.items():
        assert np.array_equal(values, single[name]), name


@pytest.mark.parametrize(("size", "block"), [(1, 1024), (7, 1024), (64, 5), (1000, 1024)])
def test_shards_give_the_bytes_of_one_piece(
    scored, predictor, model, tracks, sequence, tmp_path, monkeypatch, size, block
):
    records = [
        *random_records(sequence, 40),
        (100, "ACGTACGT", "TTTTTTT", "bad"),
        (110, sequence[109], "<DEL>,*", "odd"),
    ]
    vcf = write_vcf(tmp_path / "whole.vcf", records)
    scored(vcf, sad.ScoreOptions(ALL.stats, "float16", set_name="s"), name="whole")
    monkeypatch.setattr(sad, "VARIANTS_AT_ONCE", block)
    folders = []
    for shard in split(vcf, size, tmp_path / "shards", "s"):
        folders.append(tmp_path / "parts" / shard.name.removesuffix(".vcf.gz"))
        sad.score(
            predictor,
            shard,
            model / "genome.fa",
            tracks,
            folders[-1],
            BOTH,
            sad.ScoreOptions(ALL.stats, "float16", set_name="s"),
        )
    rows, reasons = sad.merge(in_order(reversed(folders)), tmp_path / "merged")
    assert reasons == {"neither allele is the genome's": 1, "symbolic allele": 2}
    for name in ("sad.h5", "excluded.tsv"):
        assert (tmp_path / "merged" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    assert rows == len(h5py.File(tmp_path / "merged/sad.h5")["pos"])


def test_shards_are_ordered_by_number():
    names = ["s.0002", "s.9999", "s.10000", "s.0000"]
    assert [p.name for p in in_order(map(Path, names))] == ["s.0000", "s.0002", "s.9999", "s.10000"]


def test_shards_of_different_models_are_refused(scored, predictor, model, tracks, sequence, tmp_path):
    records = random_records(sequence, 3)
    scored(records, ALL, name="a")
    scored(records, sad.ScoreOptions(), name="b")
    with pytest.raises(InputError, match="other tracks or kinds of scores"):
        sad.merge([tmp_path / "a", tmp_path / "b"], tmp_path / "merged")
    assert not (tmp_path / "merged/sad.h5").exists()


def test_excluded_records_shift_no_row_and_name_their_line(scored, sequence):
    good = [(pos, sequence[pos - 1], BASES[pos % 4], f"g{pos}") for pos in range(50, 90, 3)]
    bad = [
        (60, "ACGTACG", "GGTTGGTT", "neither"),
        (70, sequence[69], "<DUP>", "symbolic"),
        (9000, "A", "C", "beyond"),
        (80, sequence[79], "A" * (L + 1), "long"),
    ]
    mixed = [r for pair in zip(good, [*bad, *bad, *bad, *bad], strict=False) for r in pair]
    alone, _ = scored(good)
    found, excluded = scored(mixed)
    assert np.array_equal(found["SAD"], alone["SAD"])
    assert excluded["line"].tolist() == [4 + 2 * i for i in range(len(good))]
    assert excluded["reason"].tolist()[:4] == [
        "neither allele is the genome's",
        "symbolic allele",
        "position is not on the chromosome",
        f"allele is longer than the window of {L} bp",
    ]


def test_duplicated_ids_and_records_stay(scored, sequence):
    found, _ = scored([(50, sequence[49], "A,T", "same"), (50, sequence[49], "A", "same")])
    assert found["snp"].tolist() == [b"same"] * 3
    assert np.array_equal(found["SAD"][0], found["SAD"][2])


def test_percentiles_are_those_of_the_stored_scores(scored, sequence, monkeypatch):
    whole, _ = scored(random_records(sequence, 50))
    expected = np.array([np.percentile(whole["SAD"][:, t], 100 * whole["percentiles"]) for t in range(3)], np.float32)
    assert whole["percentiles"].shape == (279,)
    assert np.array_equal(whole["SAD_pct"], expected)
    monkeypatch.setattr(percentiles, "COLUMN_BYTES", 1)
    assert np.array_equal(scored(random_records(sequence, 50))[0]["SAD_pct"], expected)


@pytest.mark.parametrize("content", ["", "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\n"])
def test_empty_file_gives_an_empty_result_with_a_warning(scored, tmp_path, content, caplog, monkeypatch):
    monkeypatch.setattr("accessiflow.log.log.propagate", True)
    (tmp_path / "empty.vcf").write_text(content)
    found, excluded = scored(tmp_path / "empty.vcf")
    assert found["SAD"].shape == (0, 3)
    assert np.isnan(found["SAD_pct"]).all()
    assert len(excluded) == 0
    assert "no variant to score" in caplog.text


def test_contigs_that_the_genome_lacks(scored, model, predictor, tracks, tmp_path):
    (tmp_path / "bare.vcf").write_text("1\t10\tx\tA\tC\n1\t11\tx\tA\t<DEL>\n")
    with pytest.raises(InputError, match="shares no contig with the FASTA"):
        scored(tmp_path / "bare.vcf")
    assert not (tmp_path / "scored/sad.h5").exists()
    assert not (tmp_path / "scored/excluded.tsv").exists()
    # a shard may hold such records only; all shards together may not
    shard = split(tmp_path / "bare.vcf", 10, tmp_path / "shards", "s")[0]
    sad.score(predictor, shard, model / "genome.fa", tracks, tmp_path / "part", BOTH, ALL)
    with pytest.raises(InputError, match="shares no contig with the FASTA"):
        sad.merge([tmp_path / "part"], tmp_path / "merged")


def test_ism_agrees_with_scoring_the_same_changes(scored, model, predictor, tracks, sequence, tmp_path):
    (tmp_path / "r.bed").write_text("chr1\t190\t210\nchr1\t5\t9\n")
    assert (
        write_ism(predictor, tmp_path / "r.bed", model / "genome.fa", tracks, tmp_path, Ensemble(True), IsmRequest(10))
        == 2
    )
    with h5py.File(tmp_path / "scores.h5") as handle:
        stored = {name: data[()] for name, data in handle.items()}
    assert (stored["start"].tolist(), stored["end"].tolist()) == ([195, 2], [205, 12])
    assert "".join(BASES[i] for i in stored["seqs"][0].argmax(axis=1)) == sequence[195:205]
    assert (stored["scores"][stored["seqs"]] == 0).all()
    centred = stored["scores"] - stored["scores"].mean(axis=2, keepdims=True)
    np.testing.assert_allclose(stored["sum"], centred, rtol=2e-3, atol=1e-4)
    # an SNV's window has its base one left of the middle, a region's window has the middle there
    middle = 200 - 195
    found, _ = scored([(200, sequence[199], base) for base in BASES], ensemble=Ensemble(True))
    (tmp_path / "one.bed").write_text("chr1\t200\t200\n")
    write_ism(predictor, tmp_path / "one.bed", model / "genome.fa", tracks, tmp_path, Ensemble(True), IsmRequest(10))
    with h5py.File(tmp_path / "scores.h5") as handle:
        assert np.array_equal(handle["scores"][0, middle - 1], found["SAD"])


def test_windows_are_scored_as_files_are(scored, model, predictor, sequence):
    """Without a place on a genome, up to the last bits of an engine that shares work.

    Each single-base change agrees.
    """
    records = random_records(sequence, 20)
    stored, _ = scored(records, sad.ScoreOptions(STATISTICS))
    path = write_vcf(model / "again.vcf", records)
    with Fasta(model / "genome.fa") as genome:
        checked = [check_variant(v, genome, L) for v in read_variants(path)]
        windows = [allele_windows(v, genome, L) for v, reason in checked if not reason]
    ref, alt, starts = (np.array(values) for values in zip(*windows, strict=True))
    found = effects(predictor, ref, alt, BOTH, starts)
    for name, values in found.scores(STATISTICS).items():
        assert np.array_equal(values.astype(np.float32), stored[name], equal_nan=True), name
    assert np.array_equal(found.sad, found.scores(["SAD"])["SAD"])
    placeless = effects(predictor, ref, alt, BOTH)
    for one, other in ((found.sad, placeless.sad), (found.log_ratio, placeless.log_ratio), (found.l2, placeless.l2)):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.cosine, placeless.cosine, rtol=1e-3, atol=1e-9)


def test_every_change_of_a_window_is_scored_as_its_alleles_are(predictor, sequence):
    codes = np.stack([encode(sequence[i : i + L]) for i in (3, 200)])
    mutated = ism(predictor, codes, Ensemble(True), first=5, last=9)
    assert mutated.predicted.shape == mutated.scores.shape == mutated.centred.shape == (2, 4, 4, 3)
    for place in range(4):
        for base in range(4):
            changed = codes.copy()
            changed[:, 5 + place] = base
            expected = effects(predictor, codes, changed, Ensemble(True)).sad
            np.testing.assert_allclose(mutated.scores[:, place, base], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(mutated.centred.mean(axis=2), 0, atol=1e-6)
    assert ism(predictor, codes[:1, :]).predicted.shape == (1, L, 4, 3)


def test_ism_refuses_what_it_cannot_mutate(model, predictor, tracks, tmp_path):
    (tmp_path / "r.bed").write_text("chrX\t190\t210\n")
    with pytest.raises(InputError, match="names the contig chrX"):
        write_ism(predictor, tmp_path / "r.bed", model / "genome.fa", tracks, tmp_path, Ensemble(), IsmRequest(10))
    with pytest.raises(InputError, match="expected 1 to 64"):
        write_ism(predictor, tmp_path / "r.bed", model / "genome.fa", tracks, tmp_path, Ensemble(), IsmRequest(65))
    assert not (tmp_path / "scores.h5").exists()


def test_scripts_refuse_with_one_sentence_and_leave_nothing(refused, model, tmp_path):
    vcf = write_vcf(tmp_path / "a.vcf", [(50, "A", "C")] * 500)
    (tmp_path / "cut.vcf.gz").write_bytes(gzip.compress(vcf.read_bytes())[:-20])
    common = ("-f", model / "genome.fa", "-t", model / "targets.txt", "-o", tmp_path / "out")
    trained = (model / "params.json", model / "model_best.h5")
    assert "truncated or damaged" in refused("sad", "score", *trained, tmp_path / "cut.vcf.gz", *common)
    assert "--require-gpu" in refused("sad", "score", *trained, vcf, *common, "--engine", "native", "--require-gpu")
    assert "--stats" in refused("sad", "score", *trained, vcf, *common, "--stats", "SAR")
    assert "--shifts" in refused("sad", "score", *trained, vcf, *common, "--shifts", "a")
    assert list((tmp_path / "out").glob("*")) == []


def test_a_shard_goes_on_from_the_blocks_of_a_killed_run(model, predictor, tracks, sequence, tmp_path, monkeypatch):
    monkeypatch.setattr(sad, "VARIANTS_AT_ONCE", 20)
    vcf = write_vcf(
        tmp_path / "a.vcf",
        [(i, sequence[i - 1], BASES[(BASES.index(sequence[i - 1]) + 1) % 4]) for i in range(40, 140)],
    )
    options = sad.ScoreOptions(STATISTICS)

    class Killed(BaseException):
        pass

    class Dying:
        left = 3

        def __getattr__(self, name):
            return getattr(predictor, name)

        def alleles(self, *arguments):
            self.left -= 1
            if self.left < 0:
                raise Killed
            return predictor.alleles(*arguments)

    def run(who, out, part=None):
        sad.score(who, vcf, model / "genome.fa", tracks, tmp_path / out, BOTH, options, part)
        return (tmp_path / out / "sad.h5").read_bytes()

    undisturbed = run(predictor, "whole")
    with pytest.raises(Killed):
        run(Dying(), "killed", PartFile(tmp_path / "a.part", "same"))
    assert not (tmp_path / "killed" / "sad.h5").exists()
    second = Dying()
    second.left = 2  # five blocks, three of them kept
    assert run(second, "killed", PartFile(tmp_path / "a.part", "same")) == undisturbed
    assert not (tmp_path / "a.part").exists()
