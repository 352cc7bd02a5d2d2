const longestLog = 500;
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

/** What was said, in the server's order. Everything from outside goes in as text, never as HTML. */
export class ChatLog {
  #list;
  #pendingList;
  #scroller;
  #newer;
  /** Messages by id: one that was sent again after a reconnection is shown once. */
  #shown = new Map();
  #lastSpeaker = "";

  constructor(list, pendingList, scroller, newer) {
    this.#list = list;
    this.#pendingList = pendingList;
    this.#scroller = scroller;
    this.#newer = newer;
    newer.addEventListener("click", () => this.toEnd());
    scroller.addEventListener("scroll", () => {
      if (this.#atEnd()) newer.hidden = true;
    });
  }

  get empty() {
    return this.#list.childElementCount === 0;
  }

  said({ id, person, text, at }, mine) {
    if (this.#shown.has(id)) return;
    const item = make("li", mine ? "message mine" : "message");
    if (this.#lastSpeaker === person.id) item.classList.add("goes-on");
    item.append(heading(person.name, at), make("p", "text", text));
    this.#lastSpeaker = person.id;
    this.#shown.set(id, item);
    this.#append(item);
  }

  notice(words, at) {
    const item = make("li", "notice");
    item.append(make("bdi", "", words), " · ", time(at));
    this.#lastSpeaker = "";
    this.#append(item);
  }

  /** Shows what has not come back from the server yet. */
  pending(messages, words) {
    const items = messages.map((message) => {
      const item = make("li", "message mine unsent");
      item.append(make("p", "text", message.words), make("p", "who", words));
      return item;
    });
    const follow = this.#atEnd();
    this.#pendingList.replaceChildren(...items);
    if (follow) this.toEnd();
  }

  toEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#newer.hidden = true;
  }

  #append(item) {
    const follow = this.#atEnd();
    this.#list.append(item);
    if (this.#list.childElementCount > longestLog) this.#list.firstElementChild.remove();
    if (this.#shown.size > longestLog) this.#shown.delete(this.#shown.keys().next().value);
    if (follow) this.toEnd();
    else this.#newer.hidden = false;
  }

  #atEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight < 60;
  }
}

function heading(name, at) {
  const line = make("p", "who");
  line.append(make("bdi", "", name), " ", time(at));
  return line;
}

function time(at) {
  const date = new Date(at);
  const element = make("time", "", clock.format(date));
  element.dateTime = at;
  element.title = calendar.format(date);
  return element;
}

function make(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}
