// The socket to the studio, over which files go, and its files.

const PIECE = 32000, WAITING = 1e6, AGAIN = 1000; // bytes, bytes, milliseconds

export class Line {
  // heard: what to do with a message of each type; lost(is): whether the studio cannot be reached.
  constructor(heard, lost) {
    Object.assign(this, { heard, lost, last: Promise.resolve() });
    this.open();
  }

  open() {
    const address = new URL('studio', location.href);
    address.protocol = 'ws';
    address.search = location.search;
    this.socket = new WebSocket(address);
    this.socket.onopen = () => this.lost(false);
    this.socket.onmessage = ({ data }) => {
      const told = JSON.parse(data);
      if (told.type === 'uploaded') this.arrived?.(told);
      if (told.type === 'wrong' || told.type === 'refused') this.arrived?.(null);
      this.heard[told.type]?.(told);
    };
    this.socket.onclose = () => (this.lost(true), this.arrived?.(null), setTimeout(() => this.open(), AGAIN));
  }

  ask(type, content = {}) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ type, ...content }));
  }

  // Send a file, after those before it: what became of it, or null where it was refused.
  upload(file, use, tell) {
    this.last = this.last.then(() => this.send(file, use, tell)).catch(() => null);
    return this.last;
  }

  async send(file, use, tell) {
    let answer;
    const { socket } = this, answered = new Promise((done) => (this.arrived = (told) => ((answer = told), done(told))));
    this.ask('upload', { name: file.name.slice(-200), size: file.size, use });
    for (let at = 0; at < file.size && answer === undefined && socket.readyState === WebSocket.OPEN; at += PIECE) {
      while (socket.bufferedAmount > WAITING) await new Promise((soon) => setTimeout(soon, 5));
      socket.send(await file.slice(at, at + PIECE).arrayBuffer());
      tell(at / file.size);
    }
    tell(null);
    return answered.finally(() => (this.arrived = null));
  }
}

export function addressOf(kind, name) {
  const address = new URL('file', location.href);
  address.search = location.search;
  address.searchParams.set('kind', kind);
  address.searchParams.set('name', name);
  return `${address}`;
}
