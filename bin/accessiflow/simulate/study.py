"""`simulate.py study`: simulate everything and write it as a user's study, with its truth."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from accessiflow.errors import InputError
from accessiflow.files import write_json, write_table, write_text
from accessiflow.genome import decode
from accessiflow.log import Recording, log, progress, recalled
from accessiflow.motifs import write_meme
from accessiflow.sheets import MAX_PIP
from accessiflow.simulate import genotypes, signal, traits
from accessiflow.simulate.design import BIN_SIZE, POLYGENIC, SEQ_LENGTH, TARGET_WIDTH, VARIANT_KEY, StudyDesign
from accessiflow.simulate.elements import make_chromosome, make_genes
from accessiflow.simulate.extras import (
    EXPERIMENT_COLUMNS,
    FURTHER_SHEETS,
    MODEL_COLUMNS,
    READS_COLUMNS,
    add_adapter,
    add_experiments,
    add_probabilities,
    write_allelic_reads,
    write_qtls,
    write_reporter_assay,
)
from accessiflow.simulate.genotypes import make_snps, with_reference_alleles
from accessiflow.simulate.grammar import Grammar, TrueEffects, accessibility, make_grammar
from accessiflow.simulate.simulated import SimulatedChromosome, Study, write_sheet

FASTA_LINE = 80


def write_study(design: StudyDesign, outdir: Path, threads: int = 1, extras: bool = False) -> None:
    """Simulate a study and write its files into a folder; the same design gives the same bytes, whatever the threads.

    With `extras` also what further analyses read (extras.py), and the rows of the sheets that name it.

    Memory: about 10 bytes a base of the genome, 60 a base of one chromosome for each thread, and one byte a SNP and
    person (0.7 GB by default).
    """
    grammar = make_grammar(design)
    simulate = partial(_simulate_chromosome, design, grammar)
    with _folder(outdir) as folder:
        parts = list(
            progress(_map(simulate, range(design.chromosomes), threads), design.chromosomes, "chromosomes simulated")
        )
        study = _assemble(design, parts)
        _write_genome(study, grammar, folder)
        _write_tracks(study, folder, extras)
        _write_variants(study, folder)
        _write_panel(study, folder)
        _write_gwas(study, folder)
        _write_eqtls(study, folder)
        _write_allelic_counts(study, folder, extras)
        if extras:
            write_qtls(study, folder)
            write_reporter_assay(study, grammar, folder)
        _write_truth(study, grammar, folder / "truth")
        _write_params(design, folder, FURTHER_SHEETS if extras else ())
    log.info("%d elements, %d SNPs, %d genes: %s", len(study.elements), len(study.table), len(study.genes), outdir)


def _simulate_chromosome(design: StudyDesign, grammar: Grammar, index: int) -> SimulatedChromosome:
    planted = make_chromosome(design, grammar, index)
    snps = make_snps(design, planted, index)
    chromosome = planted._replace(codes=with_reference_alleles(planted.codes, snps))
    occupancy = grammar.occupancy(chromosome.codes)
    expected = accessibility(occupancy)
    rng = design.generator("insertions", index)
    insertions = [signal.draw_insertions(column, rng) for column in expected.T]
    effects = grammar.effects(chromosome.codes, occupancy, snps.table["pos"].to_numpy() - 1, snps.alt)
    return SimulatedChromosome(chromosome, expected, insertions, snps, effects)


def _map(function: partial[SimulatedChromosome], items: Sequence[int], threads: int) -> Iterator[SimulatedChromosome]:
    if threads == 1:
        yield from map(function, items)
    else:
        with ProcessPoolExecutor(min(threads, len(items))) as pool:
            # what a worker warns of stands in its own process: brought back with the result
            yield from recalled(pool.map(Recording(function), items))


def _assemble(design: StudyDesign, parts: list[SimulatedChromosome]) -> Study:
    import pandas as pd

    elements = pd.concat([part.chromosome.elements for part in parts], ignore_index=True)
    table = pd.concat([part.snps.table for part in parts], ignore_index=True)
    ref, alt = (np.concatenate(allele) for allele in zip(*(part.effects for part in parts), strict=True))
    effects = TrueEffects(ref, alt)
    return Study(design, parts, elements, make_genes(elements, design), table, effects)


@contextmanager
def _folder(outdir: Path) -> Iterator[Path]:
    """A temporary folder inside `outdir`, whose files move into it when all are written."""
    try:
        outdir.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".study.", dir=outdir))
    except OSError as error:
        raise InputError(f"cannot be written to ({error.strerror}): choose another --outdir", outdir) from None
    try:
        yield temporary
        for path in sorted(p for p in temporary.rglob("*") if p.is_file()):
            target = outdir / path.relative_to(temporary)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write_genome(study: Study, grammar: Grammar, folder: Path) -> None:
    import pysam

    with write_text(folder / "genome.fa") as out:
        for chrom, part in zip(study.design.chroms, study.parts, strict=True):
            sequence = decode(part.chromosome.codes)
            out.write(f">{chrom}\n")
            out.writelines(sequence[i : i + FASTA_LINE] + "\n" for i in range(0, len(sequence), FASTA_LINE))
    pysam.faidx(str(folder / "genome.fa"))
    with write_text(folder / "genes.bed") as out:
        study.genes.to_csv(out, sep="\t", header=False, index=False, lineterminator="\n")
    write_meme(grammar.motifs, folder / "motifs.meme")


def _write_tracks(study: Study, folder: Path, extras: bool) -> None:
    """One track a cell type: the last as fragments, the one before as BAM, all others as bigWig."""
    design = study.design
    names = design.cell_type_names
    group_of = {member: group for group, members in design.groups.items() for member in members}
    insertions = {
        n: {c: part.insertions[i] for c, part in zip(design.chroms, study.parts, strict=True)}
        for i, n in enumerate(names)
    }
    rows = []
    for index, name in enumerate(names):
        rng, row = design.generator("track file", index), {"track": name, "cell_type": name, "group": group_of[name]}
        if index == len(names) - 1:
            row |= {
                "signal": f"tracks/{name}.fragments.tsv.gz",
                "kind": "fragments",
                "barcodes": f"tracks/{name}.barcodes.txt",
            }
            signal.write_fragments(insertions, name, rng, folder / row["signal"], folder / row["barcodes"])
        elif index == len(names) - 2:
            row |= {"signal": f"tracks/{name}.bam", "kind": "bam"}
            signal.write_bam(insertions[name], study.sizes, rng, folder / row["signal"])
        else:
            row |= {"signal": f"tracks/{name}.bw", "kind": "bigwig"}
            signal.write_insertions_bigwig(insertions[name], study.sizes, folder / row["signal"])
        rows.append(row)
    columns = ["track", "cell_type", "signal", "group", "kind", "barcodes"]
    if extras:
        rows = add_experiments(study, rows, folder)
        columns += EXPERIMENT_COLUMNS
    write_sheet(rows, folder / "tracks.csv", columns)
    model = {"model": "demo", "preset": "demo", "training_set": "balanced", "task": "multi", "replicates": 1}
    models, columns = [model], list(model)
    if extras:
        models += [add_probabilities(study, folder), add_adapter(study, folder)]
        columns += MODEL_COLUMNS
    write_sheet(models, folder / "models.csv", columns)


def _write_variants(study: Study, folder: Path) -> None:
    genotypes.write_vcf([part.snps for part in study.parts], study.design, folder / "variants" / "study.vcf.gz")
    write_sheet([{"set": "study", "vcf": "variants/study.vcf.gz"}], folder / "variants.csv", ["set", "vcf"])


def _write_panel(study: Study, folder: Path) -> None:
    rows = []
    for chrom, part in zip(study.design.chroms, study.parts, strict=True):
        number = chrom.removeprefix("chr")
        genotypes.write_plink(part.snps, folder / "panel" / f"panel.{number}")
        rows.append({"chrom": number, "bfile": f"panel/panel.{number}"})
    write_sheet(rows, folder / "ld_panel.csv", ["chrom", "bfile"])


def _write_gwas(study: Study, folder: Path) -> None:
    import pandas as pd

    design, rows, drawn = study.design, [], {}
    for index, trait in enumerate([*design.trait_cell_types, POLYGENIC]):
        rng = design.generator("trait", index)
        shares = traits.effect_shares(trait, design, study.table, study.elements, study.effects.difference)
        drawn[trait] = traits.draw_effects(shares, rng)
        statistics = pd.concat(traits.gwas([part.snps for part in study.parts], drawn[trait], rng), ignore_index=True)
        row = {"trait": trait, "sumstats": f"gwas/{trait}.tsv", "group": design.trait_cell_types.get(trait, "")}
        rows.append(row)
        write_table(statistics, folder / row["sumstats"], float_format="%.6g")
    write_sheet(rows, folder / "gwas.csv", ["trait", "sumstats", "group"])
    truth = traits.true_enrichment(design, study.table, study.elements, drawn)
    write_table(
        truth[["trait", "annotation", "true_enrichment", "prop_h2", "prop_snps"]],
        folder / "truth" / "heritability.tsv",
        float_format="%.6g",
    )


def _write_eqtls(study: Study, folder: Path) -> None:
    import pandas as pd

    columns = [*VARIANT_KEY, "pip", "beta", "gene"]
    rows, causal = [], []
    for group, members in study.design.groups.items():
        for name in members:
            table = traits.eqtl_table(study.design, name, study.table, study.genes, study.effects.difference)
            mapped = table["pip"] >= MAX_PIP
            row = {
                "tissue": name,
                "variants": f"eqtls/{name}.tsv",
                "negatives": f"eqtls/{name}.negatives.tsv",
                "group": group,
            }
            write_table(table.loc[mapped, columns], folder / row["variants"])
            write_table(table.loc[~mapped, VARIANT_KEY], folder / row["negatives"])
            rows.append(row)
            causal.append(table[mapped].assign(tissue=name))
    write_sheet(rows, folder / "eqtls.csv", ["tissue", "variants", "negatives", "group"])
    write_table(pd.concat(causal)[["tissue", *columns, "effect"]], folder / "truth" / "eqtls.tsv", float_format="%.6g")


def _write_allelic_counts(study: Study, folder: Path, extras: bool) -> None:
    import pandas as pd

    rows, ratios = [], []
    snps = [part.snps for part in study.parts]
    for name in study.design.cell_type_names:
        table = traits.allelic_counts(study.design, name, snps, study.effects)
        rows.append({"cell_type": name, "counts": f"allelic_counts/{name}.tsv", "track": name})
        write_table(table[[*VARIANT_KEY, "ref_count", "alt_count"]], folder / rows[-1]["counts"])
        ratios.append(table.assign(cell_type=name))
    columns = ["cell_type", "counts", "track"]
    if extras:
        # The last cell type's counts are to be made from its reads.
        rows[-1] = write_allelic_reads(study, name, table, folder)
        columns += READS_COLUMNS
    write_sheet(rows, folder / "allelic_counts.csv", columns)
    write_table(
        pd.concat(ratios)[["cell_type", *VARIANT_KEY, "true_ratio"]],
        folder / "truth" / "allelic_ratios.tsv",
        float_format="%.6g",
    )


def _write_truth(study: Study, grammar: Grammar, folder: Path) -> None:
    import pandas as pd

    design, names = study.design, study.design.cell_type_names
    active = {
        name: study.elements["cluster"]
        .isin([c for c, members in design.clusters.items() if name in members])
        .astype(int)
        for name in names
    }
    write_table(study.elements.assign(**active), folder / "elements.tsv")
    difference = pd.DataFrame(study.effects.difference, columns=names)
    write_table(pd.concat([study.table[VARIANT_KEY], difference], axis=1), folder / "variants.tsv", float_format="%.6g")
    sites = pd.concat([part.chromosome.sites for part in study.parts], ignore_index=True)
    sites["motif"] = np.array([motif.name for motif in grammar.motifs])[sites["motif"]]
    write_table(sites[["chrom", "start", "end", "motif", "strand"]], folder / "motifs.tsv")
    for index, name in enumerate(names):
        expected = {chrom: part.expected[:, index] for chrom, part in zip(design.chroms, study.parts, strict=True)}
        signal.write_expected_bigwig(expected, study.sizes, folder / "signal" / f"{name}.bw")
    write_json(_truth_params(design, grammar), folder / "params.json")


def _truth_params(design: StudyDesign, grammar: Grammar) -> dict[str, object]:
    motifs = {cluster: [grammar.motifs[i].name for i in indices] for cluster, indices in grammar.of_cluster.items()}
    return {
        "design": vars(design),
        "groups": design.groups,
        "clusters": design.clusters,
        "motifs": motifs,
        "traits": design.trait_cell_types | {POLYGENIC: None},
        "heritability": traits.HERITABILITY,
        "dispersion": signal.DISPERSION,
        "target_width": TARGET_WIDTH,
        "test_chroms": design.chroms[-1:],
    }


def _write_params(design: StudyDesign, folder: Path, further: Sequence[str]) -> None:
    sheets = ("tracks", "models", "variants", "eqtls", "allelic_counts", "gwas", "ld_panel", *further)
    params: Mapping[str, object] = {name: f"{name}.csv" for name in sheets} | {
        "fasta": "genome.fa",
        "genes": "genes.bed",
        "motifs": "motifs.meme",
        "truth": "truth",
        "bin_size": BIN_SIZE,
        "seq_length": SEQ_LENGTH,
        "target_width": TARGET_WIDTH,
        "stride": TARGET_WIDTH,
        "valid_chroms": design.chroms[-2],
        "test_chroms": design.chroms[-1],
        "sets_by": "cell_type",
        "nonpeak_ratio": 0.3,
        "shifts": "0",
    }
    write_json(params, folder / "params.json")
