"""What the analyses share: options, patches, feature extraction, measurements, saved results, the style of figures."""
