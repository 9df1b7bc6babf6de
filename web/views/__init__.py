"""The screens, one module per place in the menu."""
