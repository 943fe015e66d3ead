// The widget's own words. What the server says (a refusal, a help line) is in the server's language.

const en = {
  open: "Open the chat", close: "Close the chat", fresh: "New conversation", news: "New answer",
  placeholder: "Ask a question", greeting: "Ask a question. Each sentence of an answer shows the passage that it comes from.",
  title: "Ask the documents", examples: "For example", send: "Send", stop: "Stop", log: "Conversation",
  searching: "Searching the documents…", reading: "Reading what was found…", writing: "Writing…", ahead: "Questions before yours: {n}",
  source: "Source", sources: "Sources of this answer", back: "Back to the conversation", you: "You asked", marked: "Marked: what the answer rests on",
  held: "A person looks at this first", closed: "This question is closed", recalled: "This answer was taken back",
  "not-found": "Not in the documents", refused: "No answer to this question", unavailable: "No answer right now", failed: "This did not work",
  said_unavailable: "The answer could not be written just now. Try again soon.",
  "said_not-found": "Nothing that was found answers this question, so no answer was written.",
  said_refused: "Questions of this kind are not answered here.",
  why: "Why", wait: "Usually answered within {time}. You can close this page: the answer will be here when you come back.",
  pending: "It waits for a reviewer.", claimed: "A reviewer is reading it now.", escalated: "It was passed on to a senior colleague.",
  needs_info: "The reviewer has to know something first.", approved: "It is decided. The answer is on its way.",
  edited: "It is decided. The answer is on its way.", rejected: "It is decided. The reply is on its way.",
  withdrawn: "You withdrew this question.", expired: "Nobody could decide on this in time, so there is no answer. Please ask again, or ask someone directly.",
  withdraw: "Withdraw the question", reply: "Your reply", reply_send: "Send the reply",
  signed: "A person has checked and signed this answer.", retracted: "Withdrawn: a later part did not pass its checks, so please do not rely on this.",
  stopped: "You stopped this answer.", up: "This answer helped", down: "Something is wrong",
  away: "The chat cannot be reached just now.", again: "Try again", unit: "en",
};

const de = {
  ...en, unit: "de",
  open: "Chat öffnen", close: "Chat schließen", fresh: "Neues Gespräch", news: "Neue Antwort",
  placeholder: "Stellen Sie eine Frage", greeting: "Stellen Sie eine Frage. Jeder Satz einer Antwort zeigt die Stelle, aus der er stammt.",
  title: "Fragen Sie die Dokumente", examples: "Zum Beispiel", send: "Senden", stop: "Anhalten", log: "Gespräch",
  searching: "Die Dokumente werden durchsucht …", reading: "Das Gefundene wird gelesen …", writing: "Die Antwort entsteht …", ahead: "Fragen vor Ihrer: {n}",
  source: "Quelle", sources: "Quellen dieser Antwort", back: "Zurück zum Gespräch", you: "Ihre Frage", marked: "Markiert: worauf die Antwort beruht",
  held: "Das sieht sich zuerst ein Mensch an", closed: "Diese Frage ist abgeschlossen", recalled: "Diese Antwort wurde zurückgenommen",
  "not-found": "Nicht in den Dokumenten", refused: "Keine Antwort auf diese Frage", unavailable: "Gerade keine Antwort", failed: "Das hat nicht geklappt",
  said_unavailable: "Die Antwort konnte gerade nicht geschrieben werden. Versuchen Sie es bald wieder.",
  "said_not-found": "Nichts von dem, was gefunden wurde, beantwortet diese Frage; darum gibt es keine Antwort.",
  said_refused: "Fragen dieser Art werden hier nicht beantwortet.",
  why: "Grund", wait: "Meist beantwortet innerhalb von {time}. Sie können diese Seite schließen: Die Antwort ist da, wenn Sie wiederkommen.",
  pending: "Sie wartet auf die Prüfung.", claimed: "Sie wird gerade geprüft.", escalated: "Sie wurde weitergegeben.",
  needs_info: "Für die Antwort fehlt noch eine Angabe.", approved: "Es ist entschieden. Die Antwort kommt gleich.",
  edited: "Es ist entschieden. Die Antwort kommt gleich.", rejected: "Es ist entschieden. Die Nachricht kommt gleich.",
  withdrawn: "Sie haben diese Frage zurückgezogen.", expired: "Niemand konnte rechtzeitig entscheiden, darum gibt es keine Antwort. Bitte fragen Sie noch einmal.",
  withdraw: "Frage zurückziehen", reply: "Ihre Antwort", reply_send: "Antwort senden",
  signed: "Ein Mensch hat diese Antwort geprüft und unterschrieben.", retracted: "Zurückgezogen: Ein späterer Teil hat die Prüfung nicht bestanden. Bitte verlassen Sie sich nicht darauf.",
  stopped: "Sie haben diese Antwort angehalten.", up: "Die Antwort hat geholfen", down: "Etwas stimmt nicht",
  away: "Der Chat ist gerade nicht erreichbar.", again: "Noch einmal versuchen",
};

const fr = {
  ...en, unit: "fr",
  open: "Ouvrir la discussion", close: "Fermer la discussion", fresh: "Nouvelle conversation", news: "Nouvelle réponse",
  placeholder: "Posez une question", greeting: "Posez une question. Chaque phrase d’une réponse montre le passage dont elle vient.",
  title: "Interrogez les documents", examples: "Par exemple", send: "Envoyer", stop: "Arrêter", log: "Conversation",
  searching: "Recherche dans les documents…", reading: "Lecture des passages trouvés…", writing: "Rédaction…", ahead: "Questions avant la vôtre : {n}",
  source: "Source", sources: "Sources de cette réponse", back: "Retour à la conversation", you: "Votre question", marked: "Surligné : ce sur quoi repose la réponse",
  held: "Une personne vérifie d’abord", closed: "Cette question est close", recalled: "Cette réponse a été retirée",
  "not-found": "Pas dans les documents", refused: "Pas de réponse à cette question", unavailable: "Pas de réponse pour l’instant", failed: "Cela n’a pas fonctionné",
  said_unavailable: "La réponse n’a pas pu être rédigée. Réessayez bientôt.",
  "said_not-found": "Rien de ce qui a été trouvé ne répond à cette question ; aucune réponse n’a donc été rédigée.",
  said_refused: "Les questions de ce genre ne reçoivent pas de réponse ici.",
  why: "Raison", wait: "Réponse en général sous {time}. Vous pouvez fermer cette page : la réponse sera là à votre retour.",
  pending: "Elle attend une vérification.", claimed: "Elle est en cours de vérification.", escalated: "Elle a été transmise.",
  needs_info: "Il manque une information pour répondre.", approved: "C’est décidé. La réponse arrive.",
  edited: "C’est décidé. La réponse arrive.", rejected: "C’est décidé. Le message arrive.",
  withdrawn: "Vous avez retiré cette question.", expired: "Personne n’a pu décider à temps ; il n’y a pas de réponse. Posez la question à nouveau.",
  withdraw: "Retirer la question", reply: "Votre réponse", reply_send: "Envoyer la réponse",
  signed: "Une personne a vérifié et signé cette réponse.", retracted: "Retiré : une partie suivante n’a pas passé les contrôles. Ne vous y fiez pas.",
  stopped: "Vous avez arrêté cette réponse.", up: "Cette réponse a aidé", down: "Quelque chose ne va pas",
  away: "La discussion n’est pas joignable pour l’instant.", again: "Réessayer",
};

const es = {
  ...en, unit: "es",
  open: "Abrir el chat", close: "Cerrar el chat", fresh: "Nueva conversación", news: "Nueva respuesta",
  placeholder: "Haga una pregunta", greeting: "Haga una pregunta. Cada frase de una respuesta muestra el pasaje del que procede.",
  title: "Pregunte a los documentos", examples: "Por ejemplo", send: "Enviar", stop: "Detener", log: "Conversación",
  searching: "Buscando en los documentos…", reading: "Leyendo lo encontrado…", writing: "Escribiendo…", ahead: "Preguntas antes de la suya: {n}",
  source: "Fuente", sources: "Fuentes de esta respuesta", back: "Volver a la conversación", you: "Su pregunta", marked: "Resaltado: en qué se basa la respuesta",
  held: "Primero lo revisa una persona", closed: "Esta pregunta está cerrada", recalled: "Esta respuesta se ha retirado",
  "not-found": "No está en los documentos", refused: "Sin respuesta a esta pregunta", unavailable: "Sin respuesta por ahora", failed: "No ha funcionado",
  said_unavailable: "La respuesta no se ha podido escribir. Inténtelo de nuevo pronto.",
  "said_not-found": "Nada de lo encontrado responde a esta pregunta, así que no se ha escrito ninguna respuesta.",
  said_refused: "Aquí no se responden preguntas de este tipo.",
  why: "Motivo", wait: "Normalmente respondida en {time}. Puede cerrar esta página: la respuesta estará aquí cuando vuelva.",
  pending: "Espera una revisión.", claimed: "Se está revisando.", escalated: "Se ha pasado a otra persona.",
  needs_info: "Falta un dato para responder.", approved: "Está decidido. La respuesta llega enseguida.",
  edited: "Está decidido. La respuesta llega enseguida.", rejected: "Está decidido. El mensaje llega enseguida.",
  withdrawn: "Ha retirado esta pregunta.", expired: "Nadie pudo decidir a tiempo, así que no hay respuesta. Vuelva a preguntar.",
  withdraw: "Retirar la pregunta", reply: "Su respuesta", reply_send: "Enviar la respuesta",
  signed: "Una persona ha revisado y firmado esta respuesta.", retracted: "Retirado: una parte posterior no pasó los controles. No se fíe de esto.",
  stopped: "Ha detenido esta respuesta.", up: "La respuesta ha ayudado", down: "Algo está mal",
  away: "El chat no está disponible en este momento.", again: "Intentar de nuevo",
};

export const LANGUAGES = { en, de, fr, es };

/** The labels for a language tag such as `de-CH`; English where there are none. */
export const labelsFor = (tag) => LANGUAGES[tag.toLowerCase().split("-")[0]] ?? en;

/** A wait in words: "2 hours". */
export function spoken(minutes, language) {
  const [size, unit] = minutes >= 1440 ? [1440, "day"] : minutes >= 60 ? [60, "hour"] : [1, "minute"];
  const count = Math.max(1, Math.ceil(minutes / size));
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(count);
}
