"""A small study without a fault.

One file of every kind that a script reads, in one folder, made by seeded code and by the scripts themselves.
"""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pyBigWig
import pysam

from corpus.runner import inside

SIZES = {"chr1": 6000, "chr2": 3000, "chr3": 3000}
N_SNPS = 40

MADE_BY_SCRIPTS = (
    *(
        f"peaks bin {signal} --chrom-sizes genome.fa.fai --bin-size 64 --output {track}.coverage.h5 --bigwig {track}.bw"
        for track, signal in (("B", "B.bam"), ("C", "C.fragments.tsv.gz"), ("D", "D.bedgraph"))
    ),
    "peaks bin A.bw --chrom-sizes genome.fa.fai --bin-size 64 --output A.coverage.h5",
    *(f"peaks call {track}.coverage.h5 --output {track}.peaks.bed.gz" for track in "ABCD"),
    "peaks merge A.peaks.bed.gz B.peaks.bed.gz C.peaks.bed.gz D.peaks.bed.gz --tracks tracks.csv"
    " --coverage A.coverage.h5 --coverage B.coverage.h5 --coverage C.coverage.h5 --coverage D.coverage.h5"
    " --fasta genome.fa --genes genes.tsv --clusters clusters.bed --output peaks.h5ad",
    "dataset build genome.fa targets.txt -o data -l 256 -w 64 --crop 96 --stride 128 -v chr2 -t chr3",
    "train fit ridge.json data -o ridge",
    "predict test ridge/params.json ridge/model_best.h5 data -o preds --save",
    "sad score net/params.json net/model_best.h5 v.vcf -f genome.fa -t net/targets.txt -o sad --stats SAD,REF,ALT",
    "imbalance call --counts c.tsv --output calls.tsv",
    "heritability annotate --bim panel.@ --peaks black.bed --name black --output black",
    "heritability ld-scores --bfile panel.1 --annot black.1.annot.gz --out black.1",
)


def sequence(chrom: str) -> str:
    """Random bases of a chromosome."""
    return "".join("ACGT"[code] for code in np.random.default_rng([7, ord(chrom[-1])]).integers(0, 4, SIZES[chrom]))


def variants() -> list[tuple[str, int, str, str]]:
    """SNVs whose REF is the genome's: chrom, pos, ref, alt."""
    rows = []
    for chrom in SIZES:
        bases = sequence(chrom)
        for pos in range(300, 2700, 60):
            rows.append((chrom, pos, bases[pos - 1], "A" if bases[pos - 1] != "A" else "G"))
    return rows


def table(path: Path, header: str, rows: list[tuple]) -> None:
    """A TSV."""
    path.write_text(header.replace(" ", "\t") + "\n" + "".join("\t".join(map(str, row)) + "\n" for row in rows))


def bigwig(path: Path, chroms: dict[str, int], rows: list[tuple[str, int, int, float]]) -> None:
    """A bigWig of intervals."""
    out = pyBigWig.open(str(path), "w")
    out.addHeader(list(chroms.items()))
    if rows:
        chrom, start, end, value = (list(column) for column in zip(*rows, strict=True))
        out.addEntries(chrom, start, ends=end, values=value)
    out.close()


def bam(path: Path, chroms: dict[str, int], reads: list[tuple[str, int]]) -> None:
    """An indexed BAM of reads of 20 bases."""
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": c, "LN": n} for c, n in chroms.items()]}
    with pysam.AlignmentFile(str(path), "wb", header=header) as out:
        for chrom, start in reads:
            read = pysam.AlignedSegment(out.header)
            read.query_name, read.query_sequence, read.cigarstring = "r", "ACGT" * 5, "20M"
            read.query_qualities = pysam.qualitystring_to_array("I" * 20)
            read.reference_id, read.reference_start, read.mapping_quality = out.get_tid(chrom), start, 60
            out.write(read)
    pysam.index(str(path))


def network(folder: Path) -> None:
    """params.json, model_best.h5 (Keras' layout) and targets.txt of a network with random weights.

    64 bp -> 1 position of 2 tracks.
    """
    folder.mkdir()
    trunk = [{"name": "conv_block", "filters": 4, "kernel_size": 5, "pool_size": 64}]
    head = [{"name": "dense", "units": 2, "activation": "softplus"}]
    model = {"seq_length": 64, "activation": "relu", "batch_norm": False, "trunk": trunk, "head_seq": head}
    (folder / "params.json").write_text(json.dumps({"train": {}, "model": model}))
    rng = np.random.default_rng(3)
    layers = {"conv1d": {"kernel:0": (5, 4, 4)}, "dense": {"kernel:0": (4, 2), "bias:0": (2,)}}
    with h5py.File(folder / "model_best.h5", "w") as out:
        root = out.create_group("model_weights")
        root.attrs["layer_names"] = np.array([name.encode() for name in layers])
        for layer, weights in layers.items():
            group = root.create_group(layer)
            group.attrs["weight_names"] = np.array([f"{layer}/{name}".encode() for name in weights])
            for name, shape in weights.items():
                group.create_dataset(f"{layer}/{name}", data=rng.standard_normal(shape).astype(np.float32))
    (folder / "targets.txt").write_text(
        "\tidentifier\tsum_stat\tscale\tdescription\n0\tA\tsum\t1\ta\n1\tB\tsum\t1\tb\n"
    )


def _signals(d: Path) -> None:
    peaks = [(c, start, start + 64, 40.0) for c, n in SIZES.items() for start in range(640, n - 64, 640)]
    bigwig(d / "A.bw", SIZES, [(c, start, end, value + start % 7) for c, start, end, value in peaks])
    bam(d / "B.bam", SIZES, [(c, start + i) for c, start, _, _ in peaks for i in range(30)])
    with gzip.open(d / "C.fragments.tsv.gz", "wt") as out:
        out.writelines(f"{c}\t{start + i}\t{start + i + 30}\tCELL\t1\n" for c, start, _, _ in peaks for i in range(20))
    (d / "D.bedgraph").write_text("".join(f"{c}\t{start}\t{end}\t{value:g}\n" for c, start, end, value in peaks))
    (d / "barcodes.txt").write_text("CELL\n")
    (d / "tracks.csv").write_text(
        "track,cell_type,signal,barcodes\nA,a,A.bw,\nB,b,B.bam,\nC,c,C.fragments.tsv.gz,barcodes.txt\nD,d,D.bedgraph,\n"
    )
    table(
        d / "targets.txt",
        "index identifier file sum_stat description",
        [(i, t, f"{t}.bw", "sum", t) for i, t in enumerate("ABC")],
    )


def _regions(d: Path) -> None:
    (d / "genome.fa").write_text("".join(f">{c}\n{sequence(c)}\n" for c in SIZES))
    pysam.faidx(str(d / "genome.fa"))
    (d / "black.bed").write_text("chr1\t10\t20\nchr1\t100\t900\n")
    (d / "clusters.bed").write_text("".join(f"{c}\t0\t1500\teven\n{c}\t1500\t3000\todd\n" for c in SIZES))
    (d / "genes.tsv").write_text("name\tchrom\ttx_start\tstrand\n" + "".join(f"g{c[-1]}\t{c}\t500\t+\n" for c in SIZES))
    rows = "0.7 0.1 0.1 0.1\n0.1 0.7 0.1 0.1\n0.1 0.1 0.7 0.1\n"
    (d / "motifs.meme").write_text(
        f"MEME version 4\n\nALPHABET= ACGT\n\nMOTIF M1 one\nletter-probability matrix: alength= 4 w= 3\n{rows}"
    )
    (d / "lift.chain").write_text("chain 1000 chr1 6000 + 0 6000 chr1 6000 + 0 6000 1\n6000\n\n")


def _variants(d: Path) -> None:
    header = ["##fileformat=VCFv4.2", *(f"##contig=<ID={c},length={n}>" for c, n in SIZES.items())]
    header += [
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="x">',
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1",
    ]
    rows = [f"{c}\t{p}\trs{i}\t{r}\t{a}\t.\t.\t.\tGT\t0/1" for i, (c, p, r, a) in enumerate(variants())]
    (d / "v.vcf").write_text("\n".join([*header, *rows, ""]))
    with (
        pysam.VariantFile(str(d / "v.vcf")) as source,
        pysam.VariantFile(str(d / "v.bcf"), "wb", header=source.header) as out,
    ):
        for record in source:
            out.write(record)
    pysam.tabix_compress(str(d / "v.vcf"), str(d / "v.vcf.gz"))
    (d / "variants.csv").write_text("set,vcf\nv,v.vcf\n")
    pips = [0.95, 0.001] * (len(rows) // 2)
    table(
        d / "e.tsv",
        "chrom pos ref alt pip beta gene",
        [(*v, p, 0.3 * (-1) ** i, f"g{v[0][-1]}") for i, (v, p) in enumerate(zip(variants(), pips, strict=True))],
    )
    table(d / "n.tsv", "chrom pos ref alt", variants()[1::2])
    (d / "eqtls.csv").write_text("tissue,variants,negatives\nblood,e.tsv,n.tsv\n")
    (d / "qtls.csv").write_text("set,variants\nca,e.tsv\n")
    (d / "mpra.csv").write_text("set,variants\nmp,e.tsv\n")
    table(
        d / "c.tsv",
        "chrom pos ref alt ref_count alt_count",
        [(*v, 12 + 60 * (i % 2), 15 + 60 * (i % 3)) for i, v in enumerate(variants())],
    )
    (d / "allelic_counts.csv").write_text("cell_type,counts,track\na,c.tsv,A\n")


def _heritability(d: Path) -> None:
    snps, rng = [f"rs{i}" for i in range(N_SNPS)], np.random.default_rng(9)
    table(d / "t.tsv", "SNP A1 A2 BETA SE P N", [(s, "A", "G", 0.1, 0.02, 0.5, 1000) for s in snps])
    (d / "gwas.csv").write_text("trait,sumstats\nt,t.tsv\n")
    (d / "panel.1.bim").write_text("".join(f"1\t{s}\t0.{i:02d}\t{10 * i + 1}\tA\tG\n" for i, s in enumerate(snps)))
    (d / "panel.1.fam").write_text("".join(f"f{i} i{i} 0 0 0 -9\n" for i in range(8)))
    (d / "panel.1.bed").write_bytes(
        b"\x6c\x1b\x01"
        + rng.choice(np.array([0, 2, 3]), (2 * N_SNPS, 4)).dot([1, 4, 16, 64]).astype(np.uint8).tobytes()
    )
    table(d / "panel.1.frq", "CHR SNP A1 A2 MAF NCHROBS", [(1, s, "A", "G", 0.2, 16) for s in snps])
    (d / "ld_panel.csv").write_text("chrom,bfile,frq,weights,baseline\n1,panel.1,panel.1.frq,w.1,base.1\n")
    annotation = "CHR\tBP\tSNP\tCM\tbase\tEnhancer_x\n" + "".join(
        f"1\t{10 * i + 1}\t{s}\t0\t1\t{i % 2}\n" for i, s in enumerate(snps)
    )
    (d / "base.1.annot.gz").write_bytes(gzip.compress(annotation.encode(), mtime=0))
    for name, columns in (("base.1", "baseL2 Enhancer_xL2"), ("w.1", "L2")):
        table(
            d / "score.tsv",
            f"CHR SNP BP {columns}",
            [(1, s, 10 * i + 1, *(1.5 for _ in columns.split())) for i, s in enumerate(snps)],
        )
        (d / f"{name}.l2.ldscore.gz").write_bytes(gzip.compress((d / "score.tsv").read_bytes(), mtime=0))
    (d / "score.tsv").unlink()
    for suffix in ("M", "M_5_50"):
        (d / f"base.1.l2.{suffix}").write_text("40\t20\n")
    rows = [
        (category, 0.5, 0.05, 0.5, 0.1, 1.0, 0.2, 0.5, 1e-7, 1e-8, 1.0)
        for category in ("baseL2_0", "Enhancer_xL2_0", "L2_1")
    ]
    measures = (
        "Prop._SNPs Prop._h2 Prop._h2_std_error Enrichment Enrichment_std_error Enrichment_p"
        " Coefficient Coefficient_std_error Coefficient_z-score"
    )
    table(d / "t.black.results", f"Category {measures}", [row[:1] + row[1:2] + row[3:] for row in rows])
    (d / "t.black.log").write_text("Total Observed scale h2: 0.1 (0.02)\nMean Chi^2: 1.1\n")
    (d / "t.black.part_delete").write_text("1e-7 1e-7 1e-7\n1.1e-7 1e-7 1e-7\n")
    columns = "Name Coefficient Coefficient_std_error Coefficient_P_value"
    table(d / "t.cell_type_results.txt", columns, [("x", 1e-7, 1e-8, 0.01), ("y", 1e-8, 1e-8, 0.5)])


def build(d: Path) -> Path:
    """Make the study in a folder; our own command lines have to end well in it."""

    def run(command: str) -> None:
        code, said = inside(command, d)
        assert code == 0, said

    for part in (_regions, _signals, _variants, _heritability):
        part(d)
    network(d / "net")
    (d / "ridge.json").write_text(
        json.dumps({"adapter": "kmer_ridge", "model": {"k": 2, "central": 64}, "train": {"penalties": [1.0, 10.0]}})
    )
    (d / "models.csv").write_text("model,preset,weights\nsmall,small,\nnet,,net\n")
    sheets = ("tracks", "models", "variants", "eqtls", "allelic_counts", "gwas", "ld_panel")
    files = {
        "fasta": "genome.fa",
        "genes": "genes.tsv",
        "blacklist": "black.bed",
        "clusters": "clusters.bed",
        "motifs": "motifs.meme",
        "chain": "lift.chain",
    }
    numbers = {
        "seq_length": 1344,
        "target_width": 192,
        "stride": 192,
        "valid_chroms": "chr2",
        "test_chroms": "chr3",
        "min_snps": 10,
    }
    (d / "params.json").write_text(json.dumps({name: f"{name}.csv" for name in sheets} | files | numbers))
    for command in MADE_BY_SCRIPTS:
        run(command)
    (d / "results" / "evaluation").mkdir(parents=True)
    run(
        "evaluate specificity --predictions preds/preds.h5 --targets preds/targets.h5 --peaks peaks.h5ad"
        " --min-track-peaks 1 --min-bin-peaks 1 --output results/evaluation/ridge.specificity.tsv"
    )
    return d


def copy(clean: Path, to: Path) -> Path:
    """A copy of the study to spoil."""
    shutil.copytree(clean, to)
    return to
