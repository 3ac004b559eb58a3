"""Kept for old tools; the Pipfile says what is installed."""
from setuptools import setup

setup(name="llm-free-guestbook", version="1.0", install_requires=["flask>=3,<4"], keywords=["openai-free", "guestbook"])
