from sqlalchemy.orm import DeclarativeBase

from services.shared.db import ModelBase, new_metadata


class Base(ModelBase, DeclarativeBase):
    metadata = new_metadata()
