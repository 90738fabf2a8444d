"""A Kedro project that trains on KlineForge's features and tells MLflow what it trained on."""
