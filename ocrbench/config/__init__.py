"""The configuration: its schema, and how YAML and overrides become checked, frozen dataclasses."""
