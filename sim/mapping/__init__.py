"""From a layer and its tensors to the streams that an engine eats."""
