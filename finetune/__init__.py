"""The life of an adapter: dataset, training, evaluation, promotion, and the way back."""
