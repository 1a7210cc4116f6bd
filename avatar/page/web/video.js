// A call: the microphone goes to the server, pictures and sound come back.

const find = (id) => document.getElementById(id);
const WRONG = { NotAllowedError: 'The microphone is not allowed.', NotFoundError: 'There is no microphone.' };
let call = null; // what is open

function say(text, wrong = false) {
  find('status').textContent = text;
  find('status').dataset.wrong = wrong;
  document.body.dataset.playing = call !== null;
}

async function start() {
  const mine = (call = { peer: new RTCPeerConnection({ iceServers: [] }) });
  say('Opening the microphone');
  try {
    if (!navigator.mediaDevices) throw new Error('The browser gives a microphone to pages over https only.');
    mine.microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
    if (call !== mine) return close(mine);
    const { peer, microphone } = mine;
    peer.addTrack(microphone.getAudioTracks()[0], microphone);
    peer.addTransceiver('video', { direction: 'recvonly' });
    peer.ontrack = ({ streams }) => (find('video').srcObject = streams[0]);
    await peer.setLocalDescription(await peer.createOffer());
    await gathered(peer);
    if (call !== mine) return close(mine);
    say('Calling');
    connect(mine);
  } catch (error) {
    if (call === mine) stop(WRONG[error.name] ?? error.message, true);
  }
}

// Until all addresses of this browser are known: the offer is sent whole.
function gathered(peer) {
  return new Promise((done) => {
    const look = () => peer.iceGatheringState === 'complete' && done();
    peer.onicegatheringstatechange = look;
    look();
  });
}

// Make the offer; the call lasts as long as this socket.
function connect(mine) {
  const address = new URL('call', location.href);
  address.protocol = location.protocol.replace('http', 'ws');
  address.search = location.search;
  const socket = (mine.socket = new WebSocket(address));
  let said = 'The server cannot be reached.';
  socket.onopen = () => socket.send(JSON.stringify({ type: 'offer', sdp: mine.peer.localDescription.sdp }));
  socket.onmessage = async ({ data }) => {
    const told = JSON.parse(data);
    if (told.type === 'refused') return (said = `${told.sentence[0].toUpperCase()}${told.sentence.slice(1)}.`);
    said = 'The connection to the server was lost.';
    await mine.peer.setRemoteDescription(told).catch((error) => call === mine && stop(error.message, true));
  };
  socket.onclose = () => call === mine && stop(said, true);
}

function close({ peer, microphone, socket }) {
  microphone?.getTracks().forEach((track) => track.stop());
  socket?.close();
  peer.close();
}

function stop(text = 'Press, and speak', wrong = false) {
  close(call);
  call = null;
  say(text, wrong);
}

find('play').onclick = () => (call ? stop() : start());
find('sound').onclick = ({ target }) => {
  find('video').muted = !find('video').muted;
  target.setAttribute('aria-pressed', !find('video').muted);
};
find('video').onplaying = () => call && say('Listening');
