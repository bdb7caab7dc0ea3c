"""What the service does."""

from search_service.service.rebuild import Rebuild
from search_service.service.search import IndexService, Page, SearchService

__all__ = ["IndexService", "Page", "Rebuild", "SearchService"]
