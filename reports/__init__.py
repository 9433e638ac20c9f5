"""Templates, styles and the JSON Schema of reports. Data only: nothing here is code."""
