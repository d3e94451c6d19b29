"""The one room that speaks SQL: what belongs to people, each row with its workspace."""
