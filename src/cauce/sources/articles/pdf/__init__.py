"""Articles as PDF: lines, columns, sections, references and citing sentences, through PDFium."""

from cauce.sources.articles.pdf.reading import read_pdf

__all__ = ["read_pdf"]
