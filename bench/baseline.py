"""Plain LangChain: what a tutorial's reader has after an afternoon, every default left as it is.

BSHTMLLoader, RecursiveCharacterTextSplitter (1,000 characters, 200 of them shared),
HuggingFaceEmbeddings, Chroma, and a chain of retriever, prompt, chat model and output parser. The
language model is the same file on the same server as Countersign's, within the same limits.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from bench.timing import Clock, first_sentence

_PROMPT = """You are an assistant for question-answering tasks. Use the following pieces of \
retrieved context to answer the question. If you don't know the answer, just say that you don't \
know. Use three sentences maximum and keep the answer concise.
Question: {question}
Context: {context}
Answer:"""


class Side:
    """The baseline's half of each measurement; libraries are imported when first needed."""

    def __init__(self, home: Path) -> None:
        self._home = str(home / "chroma")
        self._embeddings: Any = None
        self._retriever: Any = None
        self._chain: Any = None
        self._server: Any = None

    def index(self, folder: str) -> dict[str, float]:
        """Loads, splits, embeds and stores the whole folder."""
        from langchain_chroma import Chroma

        clock = Clock()
        chunks = _chunks(Path(folder))
        read = clock.lap()
        Chroma.from_documents(chunks, self._model(), persist_directory=self._home)
        characters = sum(len(chunk.page_content) for chunk in chunks)
        return {
            "passages": len(chunks),
            "characters": characters,
            "read_seconds": read,
            "store_seconds": clock.lap(),
        }

    def chunks(self, folder: str) -> list[str]:
        """The texts of the folder's chunks."""
        return [chunk.page_content for chunk in _chunks(Path(folder))]

    def embed(self, texts: list[str]) -> float:
        """Seconds to embed the texts."""
        model = self._model()
        clock = Clock()
        model.embed_documents(texts)
        return clock.lap()

    def vectors(self, passages: list[str], questions: list[str]) -> dict[str, Any]:
        """Vectors of passages and of questions, for the ranking scores."""
        model = self._model()
        asked = model._client.encode(questions)  # as embed_query does, many at once
        return {"passages": model.embed_documents(passages), "questions": asked.tolist()}

    def open(self) -> None:
        """Opens the index."""
        from langchain_chroma import Chroma

        store = Chroma(persist_directory=self._home, embedding_function=self._model())
        self._retriever = store.as_retriever(search_kwargs={"k": 4})

    def retrieve(self, question: str) -> float:
        """Seconds from a question to its passages."""
        if self._retriever is None:
            self.open()
        clock = Clock()
        assert self._retriever.invoke(question)
        return clock.lap()

    def answer(self, question: str) -> dict[str, Any]:
        """Seconds to the first sentence and to the end, and what was said."""
        if self._chain is None:
            self._open_chain()
        start = time.perf_counter()
        stream = self._chain.stream(question)
        pieces = [(time.perf_counter() - start, piece) for piece in stream]
        whole = time.perf_counter() - start
        text = "".join(piece for _, piece in pieces)
        return {
            "first_sentence": first_sentence(pieces) or whole,
            "first_token": next((at for at, piece in pieces if piece.strip()), whole),
            "whole": whole,
            "text": text,
            "mode": "generated" if text.strip() else "empty",
        }

    def close(self) -> None:
        """Nothing to do: the process ends."""

    def _model(self) -> Any:
        if self._embeddings is None:
            from langchain_huggingface import HuggingFaceEmbeddings

            from chatbot.adapters.models import EMBEDDING, find

            self._embeddings = HuggingFaceEmbeddings(model_name=str(find(EMBEDDING).parent))
        return self._embeddings

    def _open_chain(self) -> None:
        from langchain_core.output_parsers import StrOutputParser
        from langchain_core.prompts import ChatPromptTemplate
        from langchain_core.runnables import RunnablePassthrough
        from langchain_huggingface import ChatHuggingFace, HuggingFaceEndpoint

        from chatbot.adapters.llama import start_llama
        from chatbot.settings import load_settings

        if self._retriever is None:
            self.open()
        settings = load_settings()
        self._server = start_llama(settings)
        endpoint = HuggingFaceEndpoint(  # type: ignore[call-arg]
            endpoint_url=f"{self._server.url}/v1",
            task="conversational",
            server_kwargs={"headers": {"Authorization": f"Bearer {self._server.key}"}},
        )
        chat = ChatHuggingFace(
            llm=endpoint,
            model_id=self._server.model,
            temperature=0.0,
            max_tokens=settings.answer_tokens,
        )
        self._chain = (
            {"context": self._retriever | _stuffed, "question": RunnablePassthrough()}
            | ChatPromptTemplate.from_template(_PROMPT)
            | chat
            | StrOutputParser()
        )


def _chunks(folder: Path) -> list[Any]:
    from langchain_community.document_loaders import BSHTMLLoader, TextLoader
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    documents = []
    for path in sorted(folder.iterdir()):
        loader = BSHTMLLoader if path.suffix.startswith(".htm") else TextLoader
        documents += loader(str(path)).load()
    splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
    return splitter.split_documents(documents)


def _stuffed(documents: list[Any]) -> str:
    return "\n\n".join(document.page_content for document in documents)
