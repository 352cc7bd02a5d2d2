/**
 * Who is here, as far as this page was told: those who were here answer a newcomer, and from then
 * on everybody who comes and goes is announced.
 */
export class People {
  #list;
  #count;
  #names = new Map();
  /** An answer may be overtaken by its author's leaving. */
  #gone = new Set();
  #me = "";

  constructor(list, count) {
    this.#list = list;
    this.#count = count;
  }

  welcome(person) {
    this.#me = person.id;
    this.joined(person);
  }

  joined({ id, name }) {
    this.#names.set(id, name);
    this.#show();
  }

  here(person) {
    if (!this.#gone.has(person.id)) this.joined(person);
  }

  left({ id }) {
    this.#gone.add(id);
    this.#names.delete(id);
    this.#show();
  }

  /** The connection is lost: nothing is known any more. */
  clear() {
    this.#names.clear();
    this.#gone.clear();
    this.#show();
  }

  #show() {
    const people = [...this.#names].toSorted(([, one], [, other]) => one.localeCompare(other));
    this.#count.textContent = people.length === 0 ? "Nobody" : String(people.length);
    this.#list.replaceChildren(...people.map(([id, name]) => personItem(name, id === this.#me)));
  }
}

function personItem(name, isMe) {
  const item = document.createElement("li");
  const written = document.createElement("bdi");
  written.textContent = name;
  item.append(written, isMe ? " (you)" : "");
  return item;
}
