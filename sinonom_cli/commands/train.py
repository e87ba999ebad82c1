"""The command `sinonom train` trains a model on image sets."""

import os

from sinonom_cli import console, options
from sinonom_cli.commands import train_loss_options as aims
from sinonom_cli.commands import train_options as given
from sinonom_cli.errors import ExitCode, SinonomError, need
from sinonom_cli.train.config import Config
from sinonom_cli.train.options import DEFAULTS, TUNING_LOSS, complete


def train(
    loss: aims.WhichLoss = None,
    data: given.Data = None,
    output: given.ModelFolder = DEFAULTS["output"],
    resume_from: given.ResumeFrom = None,
    recipe: aims.WhichRecipe = None,
    backbone: given.Backbone = None,
    stem_stride: given.StemStride = None,
    weights: given.Weights = None,
    head: given.Head = None,
    teacher: aims.Teacher = None,
    teacher_weights: aims.TeacherWeights = None,
    distill: aims.Distill = None,
    distill_loss: aims.DistillLoss = None,
    teach: aims.Teach = None,
    embedding: given.Embedding = None,
    size: given.Size = None,
    classes: given.Classes = None,
    images: given.Images = None,
    batch_size: given.BatchSize = None,
    micro_batch: given.MicroBatch = None,
    mining: aims.Mine = None,
    first_mining: aims.FirstMining = None,
    margin: aims.Margin = None,
    recall_at: aims.RecallAt = None,
    simix: aims.Simix = False,
    memory: aims.Memory = None,
    frequency: given.Frequency = None,
    hard_classes: given.HardClasses = None,
    steps: given.Steps = None,
    lr: given.Lr = None,
    warm_up: given.WarmUp = None,
    weight_decay: given.WeightDecay = None,
    layer_decay: given.LayerDecay = None,
    clip: given.Clip = None,
    ema: given.Ema = None,
    recover: given.Recover = False,
    val: given.Val = DEFAULTS["val"],
    seed: options.Seed = 0,
    limit: given.Limit = None,
    device: options.Device = DEFAULTS["device"],
    precision: given.Arithmetic = None,
    workers: given.Workers = None,
    threads: given.Threads = None,
    cache: given.Cache = None,
    show_batch: given.ShowBatch = None,
    overwrite: options.Overwrite = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Train a model that finds reliefs from prints.

    If a training was killed, the same command continues it.
    """
    typed = {
        "backbone": backbone,
        "stem_stride": stem_stride,
        "weights": weights,
        "head": head and head.value,
        "teacher": teacher,
        "teacher_weights": teacher_weights,
        "distill": distill,
        "distill_loss": distill_loss and distill_loss.value,
        "teach": tuple(teach) if teach else None,
        "mining": mining and mining.value,
        "first_mining": first_mining and first_mining.value,
        "recipe": recipe and recipe.value,
        "margin": margin,
        "recall_at": recall_at,
        "simix": simix or None,
        "memory": memory,
        "micro_batch": micro_batch,
        "frequency": frequency,
        "hard_classes": hard_classes,
        "lr": lr,
        "weight_decay": weight_decay,
        "warm_up": warm_up,
        "layer_decay": layer_decay,
        "clip": clip,
        "ema": ema,
        "recover": recover or None,
        "precision": precision and precision.value,
        "batch_size": batch_size,
        "embedding": embedding,
        "size": size,
        "classes": classes,
        "images": images,
        "steps": steps,
    }
    if resume_from is not None:
        from sinonom_cli.train.inherit import inherited

        typed = inherited(resume_from, typed)
    loss_name = loss.value if loss else DEFAULTS["loss"] if resume_from is None else TUNING_LOSS
    chosen = complete(loss_name, typed)
    # Waiting threads must not spin: on a busy machine, spinning makes a step ten times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for module in ("torch", "safetensors", "onnx", "onnxscript"):
        need(module, "train")
    from sinonom_cli.train.run import run

    config = Config(
        data=tuple(data or ()),
        output=output,
        loss=loss_name,
        val=val,
        seed=seed,
        limit=limit,
        device=device,
        workers=workers,
        threads=threads,
        cache=cache,
        overwrite=overwrite,
        **chosen,
    )
    if show_batch is not None:
        from sinonom_cli.train.show import show_batch as show

        show(config, show_batch)
        console.data(str(show_batch))
        return
    artifact = run(config)
    if not artifact.record:
        return  # only the first of several processes has a record to report
    if json:
        console.data_json({"path": str(output), **artifact.record})
    else:
        console.data(str(output))
    if failed := artifact.counts["failed"]:
        raise SinonomError(
            f"{failed} of {artifact.counts['items']} pictures could not be read: see {output / 'failures.csv'}",
            "repair these pictures, then run the same command with --overwrite",
            ExitCode.SOME_FAILED,
        )
