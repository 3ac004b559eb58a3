from alembic import context

target_metadata = None
context.configure(dialect_name="postgresql")
