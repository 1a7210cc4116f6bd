"""What a checkout has and the wheel has not: evaluation, benches, corpora, synthetic captures."""
