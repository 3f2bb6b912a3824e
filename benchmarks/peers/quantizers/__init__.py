"""Our int8 files beside those of other quantizers: same models, examples, engines and metric."""
