"""Chest films of children: normal, bacterial pneumonia or viral pneumonia."""
