"""Scores beside their variants: hand-worked numbers in a VCF that htslib reads and in a table, whatever their order."""

from __future__ import annotations

import gzip
from pathlib import Path

import h5py
import numpy as np
import pysam
import pysam.bcftools
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from accessiflow.errors import InputError
from accessiflow.scoring.annotate import annotate, fields
from accessiflow.scoring.group_scores import Null, SizeRanks
from accessiflow.variants import write_vcf
from accessiflow.variants.vcf import read_header, read_records, read_variants

GROUPS = {"blood": ["A1", "A2"], "kidney": ["B1"]}
HEADER = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
VCF = f"""##fileformat=VCFv4.3
##contig=<ID=chr1,length=5000>
##INFO=<ID=AF,Number=A,Type=Float,Description="Allele frequency">
##INFO=<ID=DB,Number=0,Type=Flag,Description="In dbSNP">
##FILTER=<ID=q10,Description="Quality below 10">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
{HEADER}\tFORMAT\ts1
chr1\t100\trs1\tA\tC,T\t30\tPASS\tAF=0.1,0.2\tGT\t0/1
chr1\t200\trs2\tG\t<DEL>\t.\t.\t.\tGT\t0/0
chr2\t50\t.\tT\tG\t.\tq10\tAF=0.5;DB\tGT\t1/1
"""
# REF, ALT (tracks A1, A2, B1) of rs1 A>C, rs1 A>T and chr2:50 T>G
REF = [[1, 3, 0], [1, 3, 0], [7, 0, 1]]
ALT = [[3, 7, 1], [1, 1, 0], [3, 0, 3]]
# means of ALT - REF, worked by hand: blood (2 + 4) / 2, (0 - 2) / 2, (-4 + 0) / 2; kidney 1, 0, 2
SAD = {"SAD_blood": [3, -1, -2], "SAD_kidney": [1, 0, 2]}
# log2((A + 1) / (R + 1)): 4/2 and 8/4 -> 1; 1 and 2/4 -> -0.5; 4/8 and 1 -> -0.5; kidney 2/1, 1/1, 4/2
LOG_RATIO = {"SAD_LR_blood": [1, -0.5, -0.5], "SAD_LR_kidney": [1, 0, 1]}
# sizes 3, 1, 2 and 1, 0, 2 of three variants
PERCENTILE = {"SAD_PCT_blood": [100, 33.3333, 66.6667], "SAD_PCT_kidney": [66.6667, 33.3333, 100]}
EXCLUDED = "set\tline\tchrom\tpos\tid\tref\talt\treason\ns\t9\tchr1\t200\trs2\tG\t<DEL>\tsymbolic allele\n"
KEYS = [("chr1", 100, "rs1", "A", "C"), ("chr1", 100, "rs1", "A", "T"), ("chr2", 50, "chr2:50", "T", "G")]


def write_scores(path: Path, keys=KEYS, ref=REF, alt=ALT, tracks=("A1", "A2", "B1"), alleles=True) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    chrom, pos, name, one, other = zip(*keys, strict=True)
    ref, alt = np.array(ref, "f4"), np.array(alt, "f4")
    with h5py.File(path, "w") as handle:
        handle["SAD"] = alt - ref
        if alleles:
            handle["REF"], handle["ALT"] = ref[:, None], alt[:, None]
        texts = {"target_ids": tracks, "snp": name, "chr": chrom, "ref_allele": one, "alt_allele": other}
        for key, values in texts.items():
            handle[key] = np.array(values, "S24")
        handle["pos"] = np.array(pos, np.uint32)
    return path


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in.vcf").write_text(VCF)
    (tmp_path / "excluded.tsv").write_text(EXCLUDED)
    write_scores(tmp_path / "sad.h5")
    return tmp_path


def run(folder: Path, variants: str | None = "in.vcf", excluded: str | None = "excluded.tsv", **more):
    paths = [None if name is None else folder / name for name in (variants, excluded)]
    return annotate(folder / "sad.h5", more.pop("groups", GROUPS), folder / "out", *paths, **more)


def table(folder: Path) -> dict[str, list[str]]:
    with gzip.open(folder / "out" / "variants.tsv.gz", "rt") as handle:
        rows = [line.rstrip("\n").split("\t") for line in handle]
    return dict(zip(rows[0], map(list, zip(*rows[1:], strict=True)), strict=True))


def records(folder: Path) -> list[pysam.VariantRecord]:
    with pysam.VariantFile(str(folder / "out" / "variants.vcf.gz")) as handle:
        return list(handle)


def test_numbers_worked_by_hand_stand_in_the_table(folder):
    assert run(folder) == (3, 1)
    found = table(folder)
    assert found["id"] == ["rs1", "rs1", "rs2", "chr2:50"]
    assert found["reason"] == ["NA", "NA", "symbolic allele", "NA"]
    for name, values in {**SAD, **LOG_RATIO, **PERCENTILE}.items():
        assert found[name][2] == "NA"
        assert [float(text) for text in (*found[name][:2], found[name][3])] == pytest.approx(values, abs=1e-4), name
    assert "SAD_P_blood" not in found


def test_htslib_reads_the_vcf_with_the_records_own_fields(folder):
    run(folder)
    first, second, third = records(folder)
    assert (first.id, first.qual, list(first.filter)) == ("rs1", 30, ["PASS"])
    assert first.info["AF"] == pytest.approx((0.1, 0.2))
    assert first.info["SAD_blood"] == (3, -1)
    assert first.info["SAD_LR_kidney"] == (1, 0)
    assert first.info["SAD_PCT_kidney"] == pytest.approx((66.6667, 33.3333))
    assert second.alts == ("<DEL>",)
    assert dict(second.info) == {"SAD_EXCLUDED": ("symbolic_allele",)}
    assert third.info["DB"]
    assert third.info["SAD_blood"] == (-2,)
    with pysam.VariantFile(str(folder / "out" / "variants.vcf.gz")) as handle:
        assert [record.pos for record in handle.fetch("chr2", 0, 100)] == [50]
        assert list(handle.header.samples) == []
        declared = {name: (i.number, i.type, i.description) for name, i in handle.header.info.items()}
    assert declared["SAD_blood"][:2] == ("A", "Float")
    assert declared["SAD_blood"][2].startswith("blood (2 tracks): mean SAD")
    assert declared["SAD_LR_kidney"][2].startswith("kidney (1 track): mean log2")


def test_p_counts_the_null_that_is_as_large_and_the_variant_itself(folder):
    null = write_scores(
        folder / "null" / "sad.h5",
        [("chr1", i, f"n{i}", "A", "C") for i in range(1, 5)],
        [[0, 0, 0]] * 4,
        [[1, 0, 0], [4, 0, 0], [-6, 0, 5], [8, 0, 0]],  # |SAD| of blood .5 2 3 4, of kidney 0 0 5 0
    )
    run(folder, null=[null])
    found = table(folder)
    assert found["SAD_P_blood"] == ["0.6", "0.8", "NA", "0.8"]  # 3: two reach it; 1 and 2: three
    assert found["SAD_P_kidney"] == ["0.4", "1", "NA", "0.4"]  # 1 and 2: one reaches it; 0: all
    assert records(folder)[0].info["SAD_P_blood"] == pytest.approx((0.6, 0.8))


def test_a_variant_scored_with_exchanged_alleles_is_turned_back(folder):
    keys = [KEYS[0], KEYS[1], ("chr2", 50, "chr2:50", "G", "T")]
    write_scores(folder / "sad.h5", keys)
    run(folder)
    found = table(folder)
    assert (found["ref"][3], found["alt"][3]) == ("T", "G")
    assert [found[name][3] for name in ("SAD_blood", "SAD_LR_blood", "SAD_kidney")] == ["2", "0.5", "-2"]
    assert found["SAD_PCT_blood"][3] == "66.6667"


def test_without_ref_and_alt_there_is_no_log_ratio(folder):
    write_scores(folder / "sad.h5", alleles=False)
    run(folder)
    assert set(table(folder)["SAD_LR_blood"]) == {"NA"}
    assert "SAD_LR_blood" not in records(folder)[0].info
    assert records(folder)[0].info["SAD_blood"] == (3, -1)


def test_a_score_that_is_no_number_is_not_available_and_does_not_count(folder):
    write_scores(folder / "sad.h5", alt=[[np.nan, 7, 1], ALT[1], ALT[2]])
    run(folder)
    found = table(folder)
    assert [found["SAD_blood"][0], found["SAD_PCT_blood"][0], found["SAD_kidney"][0]] == ["NA", "NA", "1"]
    assert [found["SAD_PCT_blood"][1], found["SAD_PCT_blood"][3]] == ["50", "100"]  # of two
    assert records(folder)[0].info["SAD_blood"] == (None, -1)


def test_scores_without_their_file_are_records_of_their_own(folder):
    assert run(folder, None, None) == (3, 0)
    assert [(r.chrom, r.pos, r.ref, r.alts) for r in records(folder)] == [
        ("chr1", 100, "A", ("C",)),
        ("chr1", 100, "A", ("T",)),
        ("chr2", 50, "T", ("G",)),
    ]


@pytest.mark.parametrize("kind", ["tsv", "bcf", "gz"])
def test_other_files_of_variants_give_the_same_table(folder, kind):
    run(folder)
    expected = table(folder)
    lines = EXCLUDED
    if kind == "tsv":
        rows = [line.split("\t") for line in VCF.splitlines() if not line.startswith("#")]
        body = ["\t".join([row[2], row[0], row[1], row[3], row[4]]) for row in rows]
        (folder / "in.tsv").write_text("\n".join(["id\tchrom\tpos\tref\talt", *body]) + "\n")
        lines = EXCLUDED.replace("s\t9", "s\t3")
    elif kind == "gz":
        (folder / "in.gz").write_bytes(gzip.compress(VCF.encode()))
    else:
        text = VCF.replace(HEADER, f'##contig=<ID=chr2>\n##ALT=<ID=DEL,Description="Deletion">\n{HEADER}')
        (folder / "full.vcf").write_text(text)
        pysam.bcftools.view("-Ob", "-o", str(folder / "in.bcf"), str(folder / "full.vcf"), catch_stdout=False)
        lines = EXCLUDED.replace("s\t9", "s\t2")
    (folder / "excluded.tsv").write_text(lines)
    run(folder, f"in.{kind}")
    assert table(folder) == expected
    assert records(folder)[0].info["SAD_blood"] == (3, -1)
    if kind != "tsv":
        assert records(folder)[0].info["AF"] == pytest.approx((0.1, 0.2))


def test_no_base_in_a_table_is_the_scored_variant_with_the_base_before_it(folder):
    """A table's `-`: scores and VCF have the base before, chr1:10 T>TA and chr1:20 GC>G; the table stays as it is."""
    (folder / "in.tsv").write_text("chrom\tpos\tref\talt\nchr1\t10\t-\tA\nchr1\t21\tC\t-\nchr1\t30\t-\tG\n")
    write_scores(folder / "sad.h5", [("chr1", 10, "i", "T", "TA"), ("chr1", 20, "d", "GC", "G")], REF[:2], ALT[:2])
    (folder / "excluded.tsv").write_text(EXCLUDED.splitlines()[0] + "\ns\t4\tchr1\t30\tx\tA\tAG\tsome reason\n")
    assert run(folder, "in.tsv") == (2, 1)
    assert [(r.pos, r.ref, r.alts) for r in records(folder)][:2] == [(10, "T", ("TA",)), (20, "GC", ("G",))]
    assert [r.info.get("SAD_blood") for r in records(folder)] == [(3,), (-1,), None]
    assert table(folder)["ref"] == ["-", "C", "-"]
    assert table(folder)["reason"] == ["NA", "NA", "some reason"]
    (folder / "in.tsv").write_text("chrom\tpos\tref\talt\nchr1\t10\t-\tC\n")
    with pytest.raises(InputError, match="neither the next variant"):
        run(folder, "in.tsv")


def test_an_earlier_annotation_is_replaced(folder):
    run(folder)
    (folder / "again.vcf.gz").write_bytes((folder / "out" / "variants.vcf.gz").read_bytes())
    first = (folder / "out" / "variants.vcf.gz").read_bytes()
    shifted = len(read_header(folder / "again.vcf.gz")) + 1 + 2  # the line of its second record
    (folder / "excluded.tsv").write_text(EXCLUDED.replace("s\t9", f"s\t{shifted}"))
    run(folder, "again.vcf.gz")
    assert (folder / "out" / "variants.vcf.gz").read_bytes() == first


@pytest.mark.parametrize("at_once", [2, 200_000])
def test_an_unsorted_file_becomes_a_sorted_vcf_and_a_table_in_its_own_order(folder, monkeypatch, at_once):
    monkeypatch.setattr(write_vcf, "SORTED_AT_ONCE", at_once)
    places = [("chr2", 9), ("chr1", 70), ("chr2", 3), ("chr1", 5), ("chr1", 70), ("chr2", 9)]
    keys = [(chrom, pos, f"v{i}", "A", "CGT"[i % 3]) for i, (chrom, pos) in enumerate(places)]
    rows = "".join(f"{chrom}\t{pos}\t{name}\t{ref}\t{alt}\n" for chrom, pos, name, ref, alt in keys)
    (folder / "in.vcf").write_text(rows)
    write_scores(folder / "sad.h5", keys, [[0, 0, 0]] * 6, [[i, i, i] for i in range(6)])
    run(folder, excluded=None)
    assert table(folder)["id"] == [f"v{i}" for i in range(6)]
    # contigs as they first come, positions in order, equal places as in the file
    assert [record.id for record in records(folder)] == ["v2", "v0", "v5", "v3", "v1", "v4"]
    assert [record.info["SAD_kidney"][0] for record in records(folder)] == [2, 0, 5, 3, 1, 4]
    with pysam.TabixFile(str(folder / "out" / "variants.vcf.gz")) as handle:
        assert [line.split("\t")[2] for line in handle.fetch("chr1", 60, 80)] == ["v1", "v4"]


def test_long_contigs_have_a_csi_and_places_beyond_any_index_stand_in_the_table(folder, warned):
    keys = [("chr1", 600_000_000, "far", "A", "C")]
    (folder / "in.vcf").write_text("chr1\t600000000\tfar\tA\tC\nchr1\t4000000000\tbeyond\tA\tC\n")
    (folder / "excluded.tsv").write_text(
        EXCLUDED.splitlines()[0] + "\ns\t2\tchr1\t4000000000\tbeyond\tA\tC\tposition is not on the chromosome\n"
    )
    write_scores(folder / "sad.h5", keys, [[0, 0, 0]], [[1, 1, 1]])
    run(folder)
    assert sorted(path.name for path in (folder / "out").iterdir()) == [
        "variants.tsv.gz",
        "variants.vcf.gz",
        "variants.vcf.gz.csi",
    ]
    assert [record.id for record in records(folder)] == ["far"]
    assert table(folder)["id"] == ["far", "beyond"]
    assert any("1 records at positions that no index holds" in sentence for sentence in warned())


def test_another_file_than_the_one_scored_is_refused(folder):
    (folder / "in.vcf").write_text(VCF.replace("chr2\t50", "chr2\t51"))
    with pytest.raises(InputError, match=r"in\.vcf:10: has chr2:51 T>G, which is neither the next variant of"):
        run(folder)
    (folder / "in.vcf").write_text("".join(VCF.splitlines(keepends=True)[:-1]))
    with pytest.raises(InputError, match="ends before the variants of"):
        run(folder)
    (folder / "excluded.tsv").write_text("a\tb\n")
    with pytest.raises(InputError, match="is no table of excluded variants"):
        run(folder)
    assert not (folder / "out").exists() or not list((folder / "out").iterdir())


def test_scores_by_id_alone_are_refused(folder):
    with h5py.File(folder / "sad.h5", "a") as handle:
        del handle["pos"]
    with pytest.raises(InputError, match="knows its variants by id only"):
        run(folder)


def test_names_of_groups_become_names_of_info():
    found = fields({"T-cell": ["a"], "T.cell": ["b"], "T_cell": ["c"], "8x": ["d"]}, with_p=True)
    assert [field.name for field in found][::4] == ["SAD_T_cell", "SAD_T.cell", "SAD_T_cell_2", "SAD_8x"]
    assert [field.name for field in found][:4] == ["SAD_T_cell", "SAD_LR_T_cell", "SAD_PCT_T_cell", "SAD_P_T_cell"]
    assert "SAD_P_8x" not in {field.name for field in fields({"8x": ["d"]}, with_p=False)}


def test_the_command_groups_by_the_sheet_and_counts_what_is_in_no_group(folder, script):
    (folder / "tracks.csv").write_text(
        "track,cell_type,signal,group\nA1,A,a1.bw,blood\nA2,A,a2.bw,blood\nB1,B,b1.bw,\n"
    )
    for name in ("one", "two"):
        script(
            "sad",
            "annotate",
            folder / "sad.h5",
            "-o",
            folder / name,
            "--variants",
            folder / "in.vcf",
            "--excluded",
            folder / "excluded.tsv",
            "--tracks",
            folder / "tracks.csv",
        )
    files = [sorted((folder / name).iterdir()) for name in ("one", "two")]
    assert [path.name for path in files[0]] == ["variants.tsv.gz", "variants.vcf.gz", "variants.vcf.gz.tbi"]
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]
    with gzip.open(folder / "one" / "variants.tsv.gz", "rt") as handle:
        assert handle.readline().split() == [
            "chrom",
            "pos",
            "id",
            "ref",
            "alt",
            "reason",
            "SAD_blood",
            "SAD_LR_blood",
            "SAD_PCT_blood",
        ]


def test_records_keep_what_the_reader_of_variants_gives(folder):
    found = list(read_records(folder / "in.vcf"))
    assert [variant for record in found for variant in record.alleles] == list(read_variants(folder / "in.vcf"))
    assert found[0].columns == ["chr1", "100", "rs1", "A", "C,T", "30", "PASS", "AF=0.1,0.2"]
    (folder / "five.vcf").write_text("chr1\t3\t.\tA\tc\n")
    assert next(read_records(folder / "five.vcf")).columns == ["chr1", "3", ".", "A", "c", ".", ".", "."]


# sizes below 1e-38 have fewer digits: 1 in 2,048 is no longer told apart there
floats = st.floats(-1e6, 1e6, width=32, allow_subnormal=False)


@settings(max_examples=60, deadline=None)
@given(st.lists(floats, min_size=1, max_size=40), st.integers(1, 8))
def test_percentiles_rise_with_the_size_whatever_the_blocks(values, block):
    sad = np.array(values, np.float32)[:, None]
    ranks = SizeRanks(1)
    for low in range(0, len(sad), block):
        ranks.add(sad[low : low + block])
    ranks.finish()
    found, size = ranks.percentiles(sad)[:, 0], np.abs(sad[:, 0]).astype(float)
    order = np.argsort(size, kind="stable")
    assert (np.diff(found[order]) >= 0).all()
    assert found.max() == 100
    # between the shares that count sizes 1 in 2,048 apart as equal, and those that do not
    least = [100 * (size <= own).mean() for own in size]
    most = [100 * (size <= own * (1 + 1 / 1024) + 1e-44).mean() for own in size]
    assert all(low - 1e-9 <= own <= high + 1e-9 for low, own, high in zip(least, found, most, strict=True))


@settings(max_examples=60, deadline=None)
@given(st.lists(floats, min_size=2, max_size=30, unique_by=abs))
def test_p_is_uniform_where_the_variant_is_one_of_the_null(values):
    """Exchangeable: each of n + 1 sizes taken as the variant, the others as its null, gives each of k/(n + 1) once."""
    sizes = np.abs(np.array(values, np.float32))
    assume(len(np.unique(sizes)) == len(sizes))
    found = [
        float(Null([np.sort(np.delete(sizes, i))]).p(np.array([[own]], np.float32))[0, 0])
        for i, own in enumerate(sizes)
    ]
    assert sorted(found) == pytest.approx([(k + 1) / len(sizes) for k in range(len(sizes))])


def test_p_of_a_null_without_variants_is_not_available():
    assert np.isnan(Null([np.empty(0, np.float32)]).p(np.ones((2, 1), np.float32))).all()
