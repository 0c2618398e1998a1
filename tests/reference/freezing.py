"""freezing.py - modules that are linear along what a method leaves free: the rest is held at what the run has."""


def freeze_norm(module, gemma):
    def hook(module, args, out):
        x = args[0]
        if "RMS" not in type(module).__name__:
            x = x - x.mean(-1, keepdim=True)
        eps = getattr(module, "eps", getattr(module, "variance_epsilon", 1e-5))
        scale = (x.pow(2).mean(-1, keepdim=True) + eps).rsqrt().detach()
        gain, bias = getattr(module, "weight", None), getattr(module, "bias", None)
        y = x * scale * (1 if gain is None else gain + gemma)
        y = y if bias is None else y + bias
        assert (y - out).abs().max() < 1e-5, type(module).__name__
        return y
    return module.register_forward_hook(hook)
