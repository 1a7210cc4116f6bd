// Fingers, mouse, wheel and keys, turned into what the camera and the clock do.

const DEGREES = 0.35; // for each pixel of dragging

export function listenToStage(canvas, orbit, wake) {
  const fingers = new Map();
  const metres = () => orbit.extent(canvas.clientWidth, canvas.clientHeight) / canvas.clientHeight;
  canvas.onpointerdown = (event) => {
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
  };
  canvas.onpointerup = canvas.onpointercancel = (event) => fingers.delete(event.pointerId);
  canvas.onpointermove = (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const here = [event.clientX, event.clientY], [dx, dy] = [here[0] - before[0], here[1] - before[1]];
    if (fingers.size === 2) {
      const [other] = [...fingers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
      const apart = ([x, y]) => Math.hypot(x - other[0], y - other[1]);
      orbit.zoomBy(apart(here) / Math.max(1, apart(before)));
      orbit.pan((dx / 2) * metres(), (dy / 2) * metres());
    } else if (event.buttons & 2 || event.shiftKey) orbit.pan(dx * metres(), dy * metres());
    else orbit.turn(-dx * DEGREES, dy * DEGREES);
    fingers.set(event.pointerId, here);
    wake();
  };
  canvas.oncontextmenu = (event) => event.preventDefault();
  canvas.ondblclick = () => (orbit.reset(), wake());
  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    orbit.zoomBy(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)));
    wake();
  }, { passive: false });
}

// actions: by key.
export function listenToKeys(actions) {
  document.addEventListener('keydown', (event) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && event.key !== 'Escape';
    const action = actions[event.key] ?? actions[event.key.toLowerCase()];
    if (!action || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === ' ' && event.target.tagName === 'BUTTON') return;
    event.preventDefault();
    action();
  });
}
