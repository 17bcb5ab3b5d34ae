/** Where handlers wait, each at a gate of its own, until a probe lets them go on. Nothing sleeps. */
export class Gates {
  #gates = new Map();

  /** For handlers: tells that somebody is there, and waits. Without a name nobody waits. */
  async pass(name) {
    if (!name) return;
    const gate = this.#gate(name);
    gate.arrived.resolve();
    await gate.opened.promise;
  }

  /** For probes: waits until a handler stands at the gate. */
  arrival(name) {
    return this.#gate(name).arrived.promise;
  }

  /** For probes: lets it go on. */
  open(name) {
    this.#gate(name).opened.resolve();
  }

  #gate(name) {
    const known = this.#gates.get(name);
    if (known) return known;
    const gate = { arrived: Promise.withResolvers(), opened: Promise.withResolvers() };
    this.#gates.set(name, gate);
    return gate;
  }
}
