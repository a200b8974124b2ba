"""From a run to pages, and pages to where others see them."""
