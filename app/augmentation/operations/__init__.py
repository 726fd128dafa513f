"""Operations, one family per file; ``app.augmentation.registry`` names them all."""
