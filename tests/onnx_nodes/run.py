#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the node tests of the PyPI package onnx (pip install onnx numpy) through our operators.

    tests/onnx_nodes/run.py build/release/bin/isthmus_op_runner [--only OPERATOR] [--verbose]

Every test whose node has the ONNX name of a declared operator counts: passed (reference within the test's own rtol and
atol, and the CPU chip's bits equal to the reference's), failed, or not applicable with the reason. Exits with 1 when one
failed."""

import argparse
import collections
import json
import subprocess
import sys
import tempfile
import warnings

import numpy as np

warnings.simplefilter("ignore")
import ml_dtypes  # noqa: E402  (comes with onnx)
import onnx  # noqa: E402
import onnx.numpy_helper  # noqa: E402
from onnx.backend.test.loader import load_model_tests  # noqa: E402

DTYPES = {
    np.dtype(np.float32): "F32", np.dtype(np.float16): "F16", np.dtype(ml_dtypes.bfloat16): "BF16",
    np.dtype(np.float64): "F64", np.dtype(np.int8): "I8", np.dtype(np.int16): "I16", np.dtype(np.int32): "I32",
    np.dtype(np.int64): "I64", np.dtype(np.uint8): "U8", np.dtype(np.uint16): "U16", np.dtype(np.uint32): "U32",
    np.dtype(np.uint64): "U64", np.dtype(np.bool_): "BOOL",
}
NUMPY = {name: dtype for dtype, name in DTYPES.items()}
ONNX_DTYPES = {1: "F32", 10: "F16", 16: "BF16", 11: "F64", 3: "I8", 5: "I16", 6: "I32", 7: "I64", 2: "U8", 4: "U16",
               12: "U32", 13: "U64", 9: "BOOL"}


class NotApplicable(Exception):
    pass


class Node:
    """One node under translation: its attributes, its inputs as arrays, and the steps made so far."""

    def __init__(self, proto, inputs, opset):
        self.attributes = {a.name: onnx.helper.get_attribute_value(a) for a in proto.attribute}
        self.attributes = {k: v.decode() if isinstance(v, bytes) else v for k, v in self.attributes.items()}
        self.inputs = inputs  # arrays or None
        self.outputs = [name for name in proto.output]
        self.opset = opset
        self.steps = []

    def attribute(self, name, default=None):
        return self.attributes.get(name, default)

    def constant(self, i, default=None):
        """The value of an input that is an attribute with us."""
        return self.inputs[i].tolist() if i < len(self.inputs) and self.inputs[i] is not None else default

    def dtype(self, i=0):
        return DTYPES[self.inputs[i].dtype]

    def step(self, op, inputs, outputs=1, **attributes):
        names = [f"s{len(self.steps)}_{i}" for i in range(outputs)]
        names_in = [f"x{i}" if isinstance(i, int) else i for i in inputs]
        self.steps.append({"op": op, "attributes": attributes, "inputs": names_in, "outputs": names})
        return names[0] if outputs == 1 else names


def simple(op, *attributes):
    def translate(node):
        given = {a: node.attributes[a] for a in attributes if a in node.attributes}
        return node.step(op, range(len(node.inputs)), **given)
    return translate


def renamed(op, **names):
    """names: theirs = ours; a tuple (ours, function) converts."""
    def translate(node):
        given = {}
        for theirs, ours in names.items():
            if theirs in node.attributes:
                given[ours] = node.attributes[theirs]
        return node.step(op, range(len(node.inputs)), **given)
    return translate


def gelu(node):
    return node.step("gelu_tanh" if node.attribute("approximate", "none") == "tanh" else "gelu", [0])


def clip(node):
    low, high = node.attribute("min"), node.attribute("max")
    given = {}
    if (low := node.constant(1, low)) is not None:
        given["min"] = float(low)
    if (high := node.constant(2, high)) is not None:
        given["max"] = float(high)
    return node.step("clamp", [0], **given)


def mod(node):
    return node.step("fmod" if node.attribute("fmod", 0) else "mod", [0, 1])


def power(node):
    base, exponent = node.dtype(0), node.dtype(1)
    if base == exponent:
        return node.step("pow", [0, 1])
    if base[0] in "FB":
        return node.step("pow", [0, node.step("cast", [1], to=base)])
    if exponent[0] in "FB":
        y = node.step("pow", [node.step("cast", [0], to=exponent), 1])
        return node.step("cast", [y], to=base)
    return node.step("pow", [0, node.step("cast", [1], to=base)])


def chain(op):
    def translate(node):
        result = 0
        for i in range(1, len(node.inputs)):
            result = node.step(op, [result, i])
        return node.step("identity", [0]) if result == 0 else result
    return translate


def prelu(node):
    if node.inputs[1].dtype != node.inputs[0].dtype:
        raise NotApplicable("slope of another dtype")
    if node.dtype()[0] in "IU":
        raise NotApplicable("prelu of integers")
    return node.step("prelu", [0, 1])


def bit_shift(node):
    return node.step("shift_left" if node.attribute("direction") == "LEFT" else "shift_right", [0, 1])


def cast(node):
    to = ONNX_DTYPES.get(node.attribute("to"))
    if to is None:
        raise NotApplicable("target dtype " + onnx.TensorProto.DataType.Name(node.attribute("to")))
    return node.step("cast", [0], to=to)


def reshape(node):
    return node.step("reshape", [0], dims=node.constant(1), allow_zero=node.attribute("allowzero", 0))


def axes_of(node, i=1, default=()):
    return list(node.constant(i, node.attribute("axes", list(default))))


def squeeze(node):
    return node.step("squeeze", [0], axes=axes_of(node))


def unsqueeze(node):
    return node.step("unsqueeze", [0], axes=axes_of(node))


def expand(node):
    return node.step("expand", [0], shape=node.constant(1))


def transpose(node):
    return node.step("transpose", [0], perm=list(node.attribute("perm", [])))


def concat(node):
    return node.step("concat", range(len(node.inputs)), axis=node.attribute("axis"))


def slice_(node):
    starts = node.constant(1, list(node.attribute("starts", [])))
    ends = node.constant(2, list(node.attribute("ends", [])))
    return node.step("slice", [0], starts=starts, ends=ends, axes=axes_of(node, 3), steps=node.constant(4, []))


def pad(node):
    rank = node.inputs[0].ndim
    given = list(node.constant(1, node.attribute("pads")))
    value = node.constant(2, node.attribute("value", 0.0))
    axes = node.constant(3, list(range(rank)))
    pads = [0] * (2 * rank)
    for i, axis in enumerate(axes):
        pads[axis % rank] = given[i]
        pads[axis % rank + rank] = given[i + len(axes)]
    return node.step("pad", [0], pads=pads, mode=node.attribute("mode", "constant"),
                     value=float(np.asarray(value).reshape(-1)[0]))


def tile(node):
    return node.step("tile", [0], repeats=node.constant(1))


def trilu(node):
    return node.step("trilu", [0], upper=node.attribute("upper", 1), k=int(node.constant(1, 0)))


def reduce_(op):
    def translate(node):
        axes = axes_of(node)
        if not axes and node.attribute("noop_with_empty_axes", 0):
            if op in ("reduce_sum", "reduce_mean", "reduce_prod", "reduce_max", "reduce_min"):
                return node.step("identity", [0])
            raise NotApplicable("noop_with_empty_axes")
        return node.step(op, [0], axes=axes, keep_dims=node.attribute("keepdims", 1))
    return translate


def arg(op):
    def translate(node):
        return node.step(op, [0], axis=node.attribute("axis", 0), keep_dims=node.attribute("keepdims", 1),
                         select_last_index=node.attribute("select_last_index", 0))
    return translate


def top_k(node):
    k = node.constant(1, [node.attribute("k")])[0]
    if node.attribute("sorted", 1) == 0:
        raise NotApplicable("unsorted: any order passes")
    return node.step("top_k", [0], 2, k=k, axis=node.attribute("axis", -1), largest=node.attribute("largest", 1))


def cumulative(op):
    def translate(node):
        return node.step(op, [0], axis=int(np.asarray(node.constant(1)).reshape(-1)[0]),
                         exclusive=node.attribute("exclusive", 0), reverse=node.attribute("reverse", 0))
    return translate


def scatter(op, *attributes):
    def translate(node):
        given = {a: node.attributes[a] for a in attributes if a in node.attributes}
        return node.step(op, [0, 1, 2], **given)
    return translate


def softmax(op):
    def translate(node):
        if node.opset < 13:
            raise NotApplicable("before opset 13 softmax runs over flattened axes")
        return node.step(op, [0], axis=node.attribute("axis", -1))
    return translate


def layer_norm(op):
    def translate(node):
        rank = node.inputs[0].ndim
        axis = node.attribute("axis", -1) % rank
        if node.attribute("stash_type", 1) != 1:
            raise NotApplicable("another stash_type")
        rows = list(node.inputs[0].shape[:axis])
        width = int(np.prod(node.inputs[0].shape[axis:]))
        # Ours normalise the last axis: the others are folded into it.
        flat = node.step("reshape", [0], dims=rows + [width], allow_zero=1)
        operands = [flat]
        for i in range(1, len(node.inputs)):
            if node.inputs[i] is None:
                operands.append(None)
            elif node.inputs[i].size != width:
                raise NotApplicable("a scale that broadcasts")
            else:
                operands.append(node.step("reshape", [i], dims=[width]))
        eps = node.attribute("epsilon", 1e-5)
        y = node.step(op, operands, eps=eps)
        return node.step("reshape", [y], dims=list(node.inputs[0].shape), allow_zero=1)
    return translate


def windows(node, sizes):
    """strides, pads and dilations of a node with windows of these sizes; what is automatic worked out."""
    axes = len(sizes)
    strides = list(node.attribute("strides", [1] * axes))
    dilations = list(node.attribute("dilations", [1] * axes))
    pads = list(node.attribute("pads", [0] * 2 * axes))
    auto = node.attribute("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        for d, size in enumerate(node.inputs[0].shape[2:]):
            spans = (-(-size // strides[d]) - 1) * strides[d] + dilations[d] * (sizes[d] - 1) + 1
            total = max(spans - size, 0)
            less, more = total // 2, total - total // 2
            pads[d], pads[d + axes] = (less, more) if auto == "SAME_UPPER" else (more, less)
    return {"strides": strides, "pads": pads, "dilations": dilations}


def convolution(node):
    sizes = list(node.inputs[1].shape[2:])
    return node.step("convolution", [0, 1, 2 if len(node.inputs) > 2 else None], groups=node.attribute("group", 1),
                     **windows(node, sizes))


def transposed_convolution(node):
    sizes, ins = list(node.inputs[1].shape[2:]), list(node.inputs[0].shape[2:])
    axes = len(sizes)
    given = windows(node, sizes)
    extra = list(node.attribute("output_padding", [0] * axes))
    auto = node.attribute("auto_pad", "NOTSET")
    wanted = node.attribute("output_shape")
    if wanted is None and auto.startswith("SAME"):
        wanted = [size * stride for size, stride in zip(ins, given["strides"])]
    if wanted is not None:
        for d, size in enumerate(list(wanted)[-axes:]):
            whole = (ins[d] - 1) * given["strides"][d] + given["dilations"][d] * (sizes[d] - 1) + 1 + extra[d]
            if whole < size:
                extra[d] += size - whole
            total = max(whole - size, 0)
            less, more = total // 2, total - total // 2
            given["pads"][d], given["pads"][d + axes] = (less, more) if auto == "SAME_UPPER" else (more, less)
    return node.step("transposed_convolution", [0, 1, 2 if len(node.inputs) > 2 else None],
                     groups=node.attribute("group", 1), output_padding=extra, **given)


def attention(node):
    rank = node.inputs[0].ndim
    if len(node.outputs) > 3 and node.outputs[3]:
        raise NotApplicable("the scores as a result")
    if node.dtype() == "BF16" and node.attribute("is_causal", 0):
        raise NotApplicable("a reference that rounds every step to BF16")
    lengths = None
    if len(node.inputs) > 6 and node.inputs[6] is not None:
        lengths = node.step("cast", [6], to="I32")
    if node.attribute("softcap", 0.0) and len(node.inputs) > 3 and node.inputs[3] is not None:
        raise NotApplicable("a soft cap after the mask")
    operands = []
    for i, heads in enumerate(("q_num_heads", "kv_num_heads", "kv_num_heads")):
        x = i
        if rank == 3:
            batch, rows, width = node.inputs[i].shape
            count = node.attribute(heads)
            x = node.step("reshape", [x], dims=[batch, rows, count, width // count])
            x = node.step("transpose", [x], perm=[0, 2, 1, 3])
        operands.append(x)
    past = len(node.inputs) > 5 and node.inputs[4] is not None
    if past:
        operands[1] = node.step("concat", [4, operands[1]], axis=2)
        operands[2] = node.step("concat", [5, operands[2]], axis=2)
    mask = 3 if len(node.inputs) > 3 and node.inputs[3] is not None else None
    given = {"scale": node.attribute("scale", 0.0), "soft_cap": node.attribute("softcap", 0.0)}
    if past and node.attribute("left_window_size", -1) >= 0 and node.inputs[0].shape[-2] != node.inputs[1].shape[-2]:
        raise NotApplicable("rows that do not end with the positions")
    if mask is not None and node.inputs[mask].shape[-1] < node.inputs[1].shape[-2]:
        raise NotApplicable("a mask shorter than the positions")
    given |= {"before": node.attribute("left_window_size", -1), "after": node.attribute("right_window_size", -1)}
    if node.attribute("is_causal", 0):
        given["after"] = 0
    given["align"] = "end" if past or lengths else "start"
    y = node.step("dense_attention", operands + [mask, lengths, None], **given)
    if rank == 3:
        y = node.step("transpose", [y], perm=[0, 2, 1, 3])
        y = node.step("reshape", [y], dims=[0, 0, -1])
    return y


def pool(op, *attributes):
    def translate(node):
        sizes = list(node.attribute("kernel_shape"))
        given = {a: node.attributes[a] for a in attributes if a in node.attributes}
        return node.step(op, [0], sizes=sizes, ceil_mode=node.attribute("ceil_mode", 0), **windows(node, sizes), **given)
    return translate


def resize(node):
    for name in ("antialias", "exclude_outside"):
        if node.attribute(name, 0):
            raise NotApplicable(name)
    coordinates = node.attribute("coordinate_transformation_mode", "half_pixel")
    if coordinates not in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"):
        raise NotApplicable("coordinates of the mode " + coordinates)
    dims = list(node.inputs[0].shape)
    axes = [axis % len(dims) for axis in node.attribute("axes", range(len(dims)))]
    sizes, scales = list(dims), [1.0] * len(dims)
    wanted = node.constant(3)
    if wanted is not None:
        policy = node.attribute("keep_aspect_ratio_policy", "stretch")
        given = [size / dims[axis] for axis, size in zip(axes, wanted)]
        if policy != "stretch":
            one = min(given) if policy == "not_larger" else max(given)
            wanted, given = [int(dims[axis] * one + 0.5) for axis in axes], [one] * len(axes)
        for axis, size, scale in zip(axes, wanted, given):
            sizes[axis], scales[axis] = size, scale
    else:
        for axis, scale in zip(axes, node.constant(2)):
            sizes[axis], scales[axis] = int(dims[axis] * scale), scale
            if coordinates == "align_corners" and sizes[axis] != dims[axis] * scale:
                raise NotApplicable("corners of a size that is no whole number")
    first = min([axis for axis in range(len(dims)) if scales[axis] != 1.0], default=len(dims) - 1)
    if len(dims) - first > 3:
        raise NotApplicable("more than three axes")
    return node.step("resize", [0], sizes=sizes[first:], scales=scales[first:], mode=node.attribute("mode", "nearest"),
                     coordinates=coordinates, nearest=node.attribute("nearest_mode", "round_prefer_floor"),
                     cubic_a=node.attribute("cubic_coeff_a", -0.75))


SIMPLE = {
    "Identity": "identity", "Neg": "neg", "Abs": "abs", "Sign": "sign", "Reciprocal": "reciprocal", "Sqrt": "sqrt",
    "Exp": "exp", "Log": "log", "Sin": "sin", "Cos": "cos", "Tan": "tan", "Asin": "asin", "Acos": "acos", "Atan": "atan",
    "Sinh": "sinh", "Cosh": "cosh", "Tanh": "tanh", "Asinh": "asinh", "Acosh": "acosh", "Atanh": "atanh", "Erf": "erf",
    "Sigmoid": "sigmoid", "Softplus": "softplus", "Softsign": "softsign", "Mish": "mish", "Floor": "floor",
    "Ceil": "ceil", "Round": "round", "Relu": "relu", "HardSwish": "hard_swish", "BitwiseNot": "bitwise_not",
    "Not": "logical_not", "IsNaN": "is_nan", "Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div",
    "BitwiseAnd": "bitwise_and", "BitwiseOr": "bitwise_or", "BitwiseXor": "bitwise_xor", "And": "logical_and",
    "Or": "logical_or", "Xor": "logical_xor", "Equal": "equal", "Less": "less", "LessOrEqual": "less_equal",
    "Greater": "greater", "GreaterOrEqual": "greater_equal", "Where": "where", "MatMul": "matmul",
}
TRANSLATIONS = {name: simple(op) for name, op in SIMPLE.items()}
TRANSLATIONS |= {
    "LeakyRelu": simple("leaky_relu", "alpha"), "ThresholdedRelu": simple("thresholded_relu", "alpha"),
    "HardSigmoid": simple("hard_sigmoid", "alpha", "beta"), "Elu": simple("elu", "alpha"), "Celu": simple("celu", "alpha"),
    "Selu": simple("selu", "alpha", "gamma"), "Shrink": simple("shrink", "lambd", "bias"),
    "IsInf": simple("is_inf", "detect_negative", "detect_positive"), "Gelu": gelu, "Clip": clip, "Mod": mod, "Pow": power,
    "Max": chain("max"), "Min": chain("min"), "PRelu": prelu, "BitShift": bit_shift, "Cast": cast, "Reshape": reshape,
    "Squeeze": squeeze, "Unsqueeze": unsqueeze, "Expand": expand, "Transpose": transpose, "Concat": concat,
    "Flatten": simple("flatten", "axis"), "Slice": slice_, "Pad": pad, "Tile": tile, "Trilu": trilu,
    "Gather": simple("gather", "axis"), "GatherElements": simple("gather_elements", "axis"),
    "GatherND": simple("gather_nd", "batch_dims"),
    "ScatterElements": scatter("scatter_elements", "axis", "reduction"), "ScatterND": scatter("scatter_nd", "reduction"),
    "ArgMax": arg("argmax"), "ArgMin": arg("argmin"), "TopK": top_k, "CumSum": cumulative("cumulative_sum"),
    "CumProd": cumulative("cumulative_product"), "Softmax": softmax("softmax"), "LogSoftmax": softmax("log_softmax"),
    "Resize": resize, "AveragePool": pool("average_pool", "count_include_pad"), "MaxPool": pool("max_pool"),
    "Attention": attention, "Conv": convolution, "ConvTranspose": transposed_convolution,
    "LayerNormalization": layer_norm("layer_norm"), "RMSNormalization": layer_norm("rms_norm"),
}
for theirs, ours in [("Sum", "sum"), ("Mean", "mean"), ("Prod", "prod"), ("Max", "max"), ("Min", "min"), ("L1", "l1"),
                     ("L2", "l2"), ("SumSquare", "sum_square"), ("LogSum", "log_sum"), ("LogSumExp", "log_sum_exp")]:
    TRANSLATIONS["Reduce" + theirs] = reduce_("reduce_" + ours)


def as_array(value):
    if isinstance(value, onnx.TensorProto):
        value = onnx.numpy_helper.to_array(value)
    if isinstance(value, np.generic):
        value = np.asarray(value)
    if not isinstance(value, np.ndarray):
        raise NotApplicable("an operand that is no tensor")
    if value.dtype not in DTYPES:
        raise NotApplicable(f"dtype {value.dtype}")
    return np.ascontiguousarray(value).reshape(value.shape)


def translate(test, blob):
    """(request, expected outputs) of the test's first data set."""
    graph = test.model.graph
    if len(graph.node) != 1:
        raise NotApplicable("a graph of several nodes")
    proto = graph.node[0]
    if proto.op_type not in TRANSLATIONS:
        raise NotApplicable("no translation")
    given, expected = test.data_sets[0]
    by_name = {value.name: array for value, array in zip(graph.input, given)}
    node = Node(proto, [as_array(by_name[name]) if name else None for name in proto.input], test.model.opset_import[0].version)
    results = TRANSLATIONS[proto.op_type](node)
    results = [results] if isinstance(results, str) else results
    inputs = {}
    for i, array in enumerate(node.inputs):
        if array is None:
            continue
        inputs[f"x{i}"] = {"dtype": DTYPES[array.dtype], "dims": list(array.shape), "offset": len(blob)}
        blob.extend(array.tobytes())
    for step in node.steps:
        # An absent operand in the middle or at the end.
        step["inputs"] = [None if isinstance(n, str) and n[0] == "x" and n not in inputs else n for n in step["inputs"]]
    # Of a layer normalisation's outputs we have the first; the mean and the deviation are not compared.
    wanted = [as_array(e) for e, name in zip(expected, proto.output) if name][:len(results)]
    return {"inputs": inputs, "steps": node.steps, "results": results}, wanted


def judge(answer, wanted, output, test):
    """None when right, otherwise what is wrong."""
    if "error" in answer:
        return answer["error"]
    if "differs" in answer:
        return "the CPU chip differs from the reference: " + answer["differs"]
    if refused := [ran for ran in answer["cpu"] if ran.startswith("none")]:
        return "no CPU kernel: " + refused[0]
    for result, expected in zip(answer["results"], wanted):
        dtype = NUMPY[result["dtype"]]
        raw = output[result["offset"]:result["offset"] + result["bytes"]]
        actual = np.frombuffer(raw, dtype=dtype).reshape(result["dims"])
        if dtype != expected.dtype or actual.shape != expected.shape:
            return f"{actual.dtype}{actual.shape} instead of {expected.dtype}{expected.shape}"
        try:
            if expected.dtype.kind in "iub":
                np.testing.assert_array_equal(actual, expected)
            else:
                np.testing.assert_allclose(actual.astype(np.float64), expected.astype(np.float64), rtol=test.rtol,
                                           atol=test.atol)
        except AssertionError as e:
            return " ".join(str(e).split())[:300]
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("runner")
    parser.add_argument("--only", help="one ONNX operator")
    parser.add_argument("--verbose", action="store_true", help="names every test")
    arguments = parser.parse_args()
    listing = subprocess.run([arguments.runner, "--list"], capture_output=True, text=True, check=True).stdout
    declared = collections.defaultdict(list)
    for line in listing.splitlines():
        ours, theirs = line.split()
        if theirs != "-":
            declared[theirs].append(ours)

    blob = bytearray()
    tests, rows = [], collections.defaultdict(lambda: {"passed": 0, "failed": [], "na": collections.Counter(), "tests": []})
    for test in load_model_tests(kind="node"):
        # The expanded form of a function test is called test_NAME_expanded…; its operator is that of test_NAME.
        types = {node.op_type for node in test.model.graph.node}
        named = [t for t in types if t in declared]
        if not named or (len(test.model.graph.node) > 1 and "_expanded" in test.name):
            if len(test.model.graph.node) > 1 and named:
                rows["(expanded functions)"]["na"]["a graph of several nodes"] += 1
            continue
        name = named[0]
        if arguments.only and name != arguments.only:
            continue
        try:
            request, wanted = translate(test, blob)
            tests.append((name, test, request, wanted))
        except NotApplicable as reason:
            rows[name]["na"][str(reason)] += 1
            if arguments.verbose:
                print(f"not applicable  {test.name}: {reason}")

    with tempfile.NamedTemporaryFile() as inputs, tempfile.NamedTemporaryFile() as outputs:
        inputs.write(blob)
        inputs.flush()
        lines = "".join(json.dumps(request) + "\n" for _, _, request, _ in tests)
        done = subprocess.run([arguments.runner, inputs.name, outputs.name], input=lines, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"the runner failed ({done.returncode}): {done.stderr}")
        output = outputs.read()
    for (name, test, _, wanted), line in zip(tests, done.stdout.splitlines(), strict=True):
        wrong = judge(json.loads(line), wanted, output, test)
        if wrong is None:
            rows[name]["passed"] += 1
        else:
            rows[name]["failed"].append((test.name, wrong))
        if arguments.verbose:
            print(f"{'passed' if wrong is None else 'FAILED'}  {test.name}")

    totals = collections.Counter()
    print(f"onnx {onnx.__version__}: node tests of the declared operators")
    for name in sorted(set(rows) | (set() if arguments.only else set(declared))):
        row = rows[name]
        totals.update(passed=row["passed"], failed=len(row["failed"]), na=sum(row["na"].values()))
        ours = ", ".join(declared.get(name, []))
        print(f"{name:<22} {ours:<32} {row['passed']:>4} passed {len(row['failed']):>3} failed "
              f"{sum(row['na'].values()):>3} not applicable" + ("" if row["passed"] or row["failed"] or row["na"] else
                                                             "  (the package has no test)"))
        for reason, count in sorted(row["na"].items()):
            print(f"    {count:>3} not applicable: {reason}")
        for test_name, wrong in row["failed"]:
            print(f"    FAILED {test_name}: {wrong}")
    print(f"{totals['passed']} passed, {totals['failed']} failed, {totals['na']} not applicable")
    sys.exit(1 if totals["failed"] else 0)


if __name__ == "__main__":
    main()
