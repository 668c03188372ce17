# SPDX-License-Identifier: Apache-2.0
"""More cases of aclnn_torch: losses by classes, steps of optimisers, and parts of tensors."""
import torch
import torch.nn.functional as F

from aclnn_torch_cases import F16, F32, I32, UNIT, X, Y, Z, numbers, slope, truths, whole


def class_losses():
    x, weight = numbers(2, 5, 3, 4), numbers(5, low=0.1)
    target = whole(2, 3, 4, low=0, high=5, dtype=torch.int64)
    for reduction, word in enumerate(('none', 'mean', 'sum')):
        total = weight[target[target != 2]].sum()
        yield 'NLLLoss2d', [x, target, weight, reduction, 2], \
            lambda x, t, w, r, i, word=word, n=total: (F.nll_loss(x, t, w, ignore_index=i, reduction=word), n)
        g = numbers(2, 3, 4, seed=3) if reduction == 0 else torch.tensor(1.7)
        yield 'NLLLoss2dBackward', [g, x, target, weight, reduction, 2, total], \
            lambda g, x, t, w, r, i, n, word=word: slope(lambda x: F.nll_loss(x, t, w, ignore_index=i, reduction=word), x, gradient=g)
        rows, classes, weights = numbers(6, 9), whole(6, low=0, high=9, dtype=torch.int64), numbers(9, low=0.1)
        for smoothing in (0.0, 0.2):
            for w in (weights, None):
                def entropy(x, w=w, s=smoothing, word=word):
                    return F.cross_entropy(x, classes, w, ignore_index=4, reduction=word, label_smoothing=s)

                none = torch.zeros(0)
                yield 'CrossEntropyLoss', [rows, classes, w, word, 4, smoothing, 0.0, False], \
                    lambda x, *rest, f=entropy: (f(x), torch.log_softmax(x, 1), none, none)
                g = numbers(6, seed=5) if reduction == 0 else torch.tensor([1.3])
                yield 'CrossEntropyLossGrad', [g, torch.log_softmax(rows, 1), classes, w, None, None, word, 4, smoothing, 0.0], \
                    lambda g, *rest, f=entropy: slope(f, rows, gradient=g if g.numel() > 1 else g[0])
        labels = torch.tensor([[3, 0, -1, 1, -1], [-1, 1, 2, 3, 4], [4, 3, 2, 1, 0]])
        yield 'MultilabelMarginLoss', [numbers(3, 5), labels, reduction], torch.ops.aten.multilabel_margin_loss_forward
        yield 'MultilabelMarginLoss', [numbers(5), labels[0], reduction], torch.ops.aten.multilabel_margin_loss_forward
        for logarithm in (False, True):
            y = F.log_softmax(Y, 1) if logarithm else F.softmax(Y, 1)
            g = numbers(5, 37, seed=4) if reduction == 0 else torch.tensor(1.7)
            yield 'KlDivTargetBackward', [g, F.log_softmax(X, 1), y, reduction, logarithm], \
                lambda g, x, y, r, n, word=word: slope(lambda y: F.kl_div(x, y, reduction=word, log_target=n), y, gradient=g)
    for eps in (-1.0, 0.1):
        yield 'LogitGrad', [UNIT, Y, eps], lambda x, g, e: torch.ops.aten.logit_backward(g, x, e if e >= 0 else None)
    for approximate, word in ((0, 'tanh'), (1, 'none')):
        for left in (True, False):
            x, g = numbers(4, 6, 3), numbers(4, 3, 3, seed=3)

            def gate(x, w=word, left=left):
                a, b = x.chunk(2, 1) if left else reversed(x.chunk(2, 1))
                return F.gelu(a, approximate=w) * b

            yield 'GeGluV3Backward', [g, x, F.gelu(x.chunk(2, 1)[0 if left else 1], approximate=word), 1, approximate, left], \
                lambda g, x, *rest, f=gate: slope(f, x, gradient=g)
    yield 'MaskedScale', [X, truths(5, 37), 1.5], lambda x, m, s: x * m * s
    yield 'MaskedScale', [X.to(F16), truths(5, 37).to(torch.uint8), 0.5], lambda x, m, s: x * m * s
    x, bias, mask = numbers(1, 2, 3, 4, 4), numbers(1, 1, 3, 4, 4, seed=2), numbers(1, 2, 1, 4, 4, seed=3)
    yield 'MaskedSoftmaxWithRelPosBias', [x, mask, bias, 1.0, 0], lambda x, m, v, s, p: torch.softmax(x + m + v, -1)
    yield 'MaskedSoftmaxWithRelPosBias', [x, None, bias, 0.5, 0], lambda x, m, v, s, p: torch.softmax(s * x + v, -1)


def optimizers():
    weights, m, v, g = X, Y, numbers(5, 37, low=0, high=2, seed=5), numbers(5, 37, seed=7)
    number = torch.tensor

    def adam(w, m, v, power1, power2, rate, beta1, beta2, eps, g, lock, nesterov):
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
        step = rate * torch.sqrt(1 - power2) / (1 - power1)
        return w - step * (beta1 * m + (1 - beta1) * g if nesterov else m) / (v.sqrt() + eps), m, v

    for nesterov in (False, True):
        yield 'ApplyAdam', [weights, m, v, *map(number, (0.81, 0.98, 0.01, 0.9, 0.99, 1e-6)), g, False, nesterov], adam

    def adamw(w, m, v, power1, power2, rate, decay, beta1, beta2, eps, g, largest, amsgrad, maximize):
        leaf = w.clone().requires_grad_()
        options = [float(x) for x in (rate, beta1, beta2, eps, decay)]
        optimizer = torch.optim.AdamW([leaf], options[0], options[1:3], *options[3:], amsgrad=amsgrad, maximize=maximize)
        optimizer.state[leaf] = {'step': torch.tensor(2.0), 'exp_avg': m.clone(), 'exp_avg_sq': v.clone()}
        if amsgrad:
            optimizer.state[leaf]['max_exp_avg_sq'] = largest.clone()
        leaf.grad = g.clone()
        optimizer.step()
        state = optimizer.state[leaf]
        return leaf.detach(), state['exp_avg'], state['exp_avg_sq'], state.get('max_exp_avg_sq')

    for largest, maximize in ((None, False), (numbers(5, 37, low=0, high=2, seed=9), True)):
        yield 'ApplyAdamW', [weights, m, v, *(number([x]) for x in (0.81, 0.9801, 0.01, 0.1, 0.9, 0.99, 1e-6)), g, largest,
                             largest is not None, maximize], adamw

    def descend(weights, gradients, momenta, scale, decay, momentum, rate, dampening, nesterov, maximize, first):
        leaves = [w.clone().requires_grad_() for w in weights]
        optimizer = torch.optim.SGD(leaves, rate, momentum, dampening, decay, nesterov, maximize=maximize)
        for leaf, gradient, old in zip(leaves, gradients, momenta or gradients):
            leaf.grad = gradient / (1 if scale is None else scale)
            if momenta and not first:
                optimizer.state[leaf]['momentum_buffer'] = old.clone()
        optimizer.step()
        return [leaf.detach() for leaf in leaves], [optimizer.state[leaf]['momentum_buffer'] for leaf in leaves]

    for options in ((None, 0.0, 0.9, 0.1, 0.0, False, False, True), (number([2.0]), 0.1, 0.9, 0.1, 0.0, True, False, False),
                    (None, 0.1, 0.9, 0.1, 0.5, False, True, False)):
        yield 'FusedSgd', [[X, Z], [Y, numbers(37, seed=6)], [numbers(5, 37, seed=8), numbers(37, seed=9)], *options], descend
    for found, tracker, scale in ((0.0, 3, 1024.0), (0.0, 1, 1024.0), (1.0, 2, 1024.0), (0.0, 3, 3e38)):
        yield 'AmpUpdateScale', [number([scale]), number([tracker], dtype=I32), number([found]), 2.0, 0.5, 4], \
            lambda s, t, *rest: (lambda s, t: (torch._amp_update_scale_(s, t, *rest), t))(s.clone(), t.clone())


def parts():
    tensors = [numbers(7, 3), numbers(4, 2, 2), numbers(2, seed=1)]
    for chunks in (1, 2, 3):
        yield 'ChunkCat', [tensors, 0, chunks], torch._chunk_cat
    yield 'ChunkCat', [[numbers(2, 5, 3), numbers(2, 3)], 1, 2], torch._chunk_cat
    x = numbers(4, 5, 6)
    for bounds, masks, expected in (
            (([1, 0, 2], [3, 5, 6], [1, 2, 3]), (0, 0, 0, 0, 0), x[1:3, 0:5:2, 2:6:3]),
            (([3, -1], [0, -9], [-1, -2]), (0, 2, 0, 0, 0), x[1:].flip(0)[:, [4, 2, 0]]),
            (([1, 9, -2], [0, 9, 9], [1, 1, 1]), (0, 0, 2, 0, 1), x[1, :, -2:]),
            (([0, 0, 7, 1], [0, 0, 7, 2], [1, 1, 1, 1]), (0, 0, 4, 2, 8), x[0:0, None, :, 1]),
            (([2, 1], [1, 0], []), (3, 2, 0, 0, 0), x[:1])):
        yield 'StridedSlice', [x, *bounds, *masks], lambda *rest, y=expected: y


def sequences():
    log = torch.log_softmax(numbers(9, 3, 6), -1)
    short = torch.log_softmax(numbers(3, 3, 6, seed=2), -1)
    labels = torch.tensor([[1, 2, 2, 5], [3, 3, 1, 4], [5, 1, 2, 2]])
    ragged = labels[0, :2], labels[1, :4], labels[2, :3]
    for x, targets, times, lengths, blank in ((log, labels, [9, 9, 9], [4, 4, 4], 0), (log, torch.cat(ragged), [9, 9, 9], [2, 4, 3], 0),
                                              (short, labels, [3, 3, 3], [4, 4, 4], 0), (log, labels - 1, [9, 9, 9], [4, 4, 4], 5)):
        for zero in (False, True):
            whole_loss = torch.ops.aten._ctc_loss(x, targets, times, lengths, blank, zero)
            if targets.dim() == 2:
                yield 'CtcLoss', [x, targets, times, lengths, blank, zero], torch.ops.aten._ctc_loss
            if whole_loss[0].isfinite().all() and zero == (x is short):
                yield 'CtcLossBackward', [numbers(3), x, targets, times, lengths, *whole_loss, blank, zero], \
                    lambda g, x, t, i, n, *rest: slope(lambda x: F.ctc_loss(x, t, i, n, rest[2], 'none', rest[3]), x, gradient=g)
    for times in ([9, 9, 9], [9, 7, 5]):
        loss, alpha = torch.ops.aten._ctc_loss(log, labels, times, [2, 4, 3], 0, False)
        yield 'CtcLossBackward', [numbers(3), log, labels, times, [2, 4, 3], loss, alpha.nan_to_num(neginf=-float('inf')), 0, False], \
            lambda g, x, t, i, n, *rest: slope(lambda x: F.ctc_loss(x, t, i, n, 0, 'none'), x, gradient=g)
    yield 'FastLayerNorm', [X, [37], Z, Z, 1e-5], \
        lambda x, s, w, v, e: (F.layer_norm(x, s, w, v, e), x.mean(-1, keepdim=True), torch.rsqrt(x.var(-1, correction=0, keepdim=True) + e))


def cells():
    a, h, c, bias, other = numbers(3, 20), numbers(3, 20, seed=1), numbers(3, 5), numbers(20), numbers(20, seed=2)

    def gates(a, h, *biases):
        i, f, g, o = (a + h + sum(biases)).chunk(4, 1)
        return torch.cat([i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()], 1)

    def cell(a, h, c, *biases):
        i, f, g, o = gates(a, h, *biases).chunk(4, 1)
        now = f * c + i * g
        return o * now.tanh(), now

    for biases in ((bias, other), ()):
        yield 'ThnnFusedLstmCell', [a, h, c, *(biases or (None, None))], \
            lambda a, h, c, *rest, v=biases: (*cell(a, h, c, *v), gates(a, h, *v))
    both = numbers(3, 5, seed=5), numbers(3, 5, seed=6)
    for given in (both, (both[0], None), (None, both[1])):
        def gradient(*rest, given=given):
            leaves = [x.clone().requires_grad_() for x in (a, c, bias)]
            results = cell(leaves[0], h, leaves[1], leaves[2])
            sum((y * g).sum() for y, g in zip(results, given) if g is not None).backward()
            return tuple(x.grad for x in leaves)

        yield 'ThnnFusedLstmCellBackward', [*given, c, cell(a, h, c, bias)[1], gates(a, h, bias), True], gradient


def cases():
    for group in (class_losses, optimizers, parts, sequences, cells):
        yield from group()
