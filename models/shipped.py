"""What the trainings of the shipped models have in common."""
import os
import warnings

import numpy as np
import onnx
import torch

MODELS = os.path.dirname(os.path.abspath(__file__))
GOLDENS = os.path.join(MODELS, "../tests/goldens/models")


def descend(loss, model, optimiser, plan, steepest=None):
    """One step of training; steepest: the norm that gradients are cut to."""
    optimiser.zero_grad()
    loss.backward()
    if steepest is not None:
        torch.nn.utils.clip_grad_norm_(model.parameters(), steepest)
    optimiser.step()
    plan.step()


def export(model, name, inputs, input_names, output_names, description, facts,
           dynamic_axes=None):
    """models/NAME/NAME.onnx, with what its file shall say; facts: of the
    ports, without the "mlinfer." in front."""
    path = os.path.join(MODELS, name, name + ".onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, inputs, path, dynamo=False, opset_version=17,
                          input_names=input_names, output_names=output_names,
                          dynamic_axes=dynamic_axes)
    m = onnx.load(path)
    said = {"name": name, "author": "the mlinfer authors",
            "licence": "BSD-3-Clause", "description": description,
            "source": f"models/{name}/train.py"}
    said.update(("mlinfer." + key, value) for key, value in facts.items())
    for key, value in said.items():
        m.metadata_props.add(key=key, value=value)
    onnx.save(m, path)


def along_time(*names):
    """Axes for export: the second one of these ports has any length."""
    return {name: {1: "time"} for name in names}


def save_golden(name, **values):
    """tests/goldens/models/NAME/KEY.npy for each tensor, as 32-bit floats."""
    folder = os.path.join(GOLDENS, name)
    os.makedirs(folder, exist_ok=True)
    for key, value in values.items():
        np.save(os.path.join(folder, key + ".npy"), value.float().numpy())
