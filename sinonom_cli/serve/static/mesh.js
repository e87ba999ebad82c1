// Turn a mesh under a light that can be moved: a low light shows best what is carved.

import { getBytes, h, showError, t } from "./dom.js";

/** Return the vertices and faces of a GLB file that the server wrote. */
export function parseGlb(buffer) {
  const view = new DataView(buffer);
  const length = view.getUint32(12, true);
  const document = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 20, length)));
  const start = 28 + length;
  const [points, faces] = document.accessors.map((accessor) => {
    const offset = start + (document.bufferViews[accessor.bufferView].byteOffset ?? 0);
    const count = accessor.count * (accessor.type === "VEC3" ? 3 : 1);
    const kind = { 5126: Float32Array, 5123: Uint16Array, 5125: Uint32Array }[accessor.componentType];
    return new kind(buffer, offset, count);
  });
  return { points, faces };
}

function hasWebGl() {
  try {
    const context = document.createElement("canvas").getContext("webgl2");
    context?.getExtension("WEBGL_lose_context")?.loseContext();
    return Boolean(context);
  } catch {
    return false;
  }
}

/** Show a mesh in an element. Returns a function that frees what it holds. */
export function meshViewer(place, address, name) {
  if (!hasWebGl()) {
    place.replaceChildren(h("p.no-webgl", { role: "note" }, t("no_webgl")));
    return () => {};
  }
  const canvas = h("canvas", { tabindex: "0", role: "img", "aria-label": t("mesh_label", { name }) });
  const frame = h("div.mesh", {}, canvas);
  const about = h("p.soft", {}, t("mesh_loading"));
  const slider = (id, key, low, high, value) =>
    h("label.row", {}, h("span", {}, t(key)), h("input", { type: "range", id, min: low, max: high, value }));
  const azimuth = slider("light-direction", "light", 0, 360, 135);
  const height = slider("light-height", "light_height", 3, 85, 22);
  const whole = h("button", { type: "button" }, t("mesh_whole"));
  place.replaceChildren(frame, azimuth, height, h("p.soft", {}, `${t("light_low")} ${t("mesh_help")}`), h("div.row", {}, whole, about));
  let stop = () => {};
  let ended = false;
  let newest = 0;
  const load = async (query) => {
    const turn = ++newest;
    try {
      const [three, controls, buffer] = await Promise.all([
        import("./vendor/three.module.min.js"), import("./vendor/OrbitControls.js"), getBytes(address + query),
      ]);
      if (ended || turn !== newest) return;
      stop();
      const { points, faces } = parseGlb(buffer);
      stop = draw(three, controls.OrbitControls, canvas, frame, points, faces, azimuth.lastChild, height.lastChild);
      about.textContent = t("mesh_faces", { faces: (faces.length / 3).toLocaleString() });
      frame.dataset.faces = faces.length / 3;
    } catch (error) {
      if (!ended) showError(about, error);
    }
  };
  whole.addEventListener("click", () => { whole.disabled = true; load("?whole=1"); });
  load("");
  return () => { ended = true; stop(); };
}

function draw(three, OrbitControls, canvas, frame, points, faces, azimuth, height) {
  const renderer = new three.WebGLRenderer({ canvas, antialias: true, preserveDrawingBuffer: true });
  renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
  const geometry = new three.BufferGeometry();
  geometry.setAttribute("position", new three.BufferAttribute(points, 3));
  geometry.setIndex(new three.BufferAttribute(faces, 1));
  geometry.computeVertexNormals();
  geometry.computeBoundingSphere();
  const { center, radius } = geometry.boundingSphere;
  const material = new three.MeshStandardMaterial({ color: 0xc8a27a, roughness: 0.85, metalness: 0, side: three.DoubleSide });
  const scene = new three.Scene();
  scene.background = new three.Color(0x2b2724);
  scene.add(new three.Mesh(geometry, material), new three.AmbientLight(0xffffff, 0.35));
  const light = new three.DirectionalLight(0xfff4e0, 3);
  light.target.position.copy(center);
  scene.add(light, light.target);
  const camera = new three.PerspectiveCamera(30, 1, radius / 100, radius * 100);
  camera.position.set(center.x, center.y, center.z + 3.6 * radius);
  const controls = new OrbitControls(camera, canvas);
  controls.target.copy(center);
  controls.update();
  controls.minDistance = 0.6 * radius;
  controls.maxDistance = 12 * radius;
  let asked = 0;
  const paint = () => { asked = 0; renderer.render(scene, camera); frame.dataset.drawn = "yes"; };
  const repaint = () => { asked ||= requestAnimationFrame(paint); };
  const shine = () => {
    const a = (azimuth.value * Math.PI) / 180, up = (height.value * Math.PI) / 180;
    light.position.set(Math.cos(a) * Math.cos(up), Math.sin(a) * Math.cos(up), Math.sin(up)).multiplyScalar(10 * radius).add(center);
    repaint();
  };
  let shown = 0;
  const resize = () => {
    const side = frame.clientWidth;
    if (!side || side === shown) return;
    shown = side;
    renderer.setSize(side, side, false);
    paint();  // at once: a canvas that was resized is empty
  };
  const keys = (event) => {
    const turns = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const nearer = { "+": 0.88, "=": 0.88, "-": 1.14 }[event.key];
    if (!turns && !nearer) return;
    event.preventDefault();
    const way = camera.position.clone().sub(center);
    if (turns) {
      const around = new three.Spherical().setFromVector3(way);
      around.theta += turns[0] * 0.12;
      around.phi = Math.min(Math.max(around.phi + turns[1] * 0.12, 0.05), Math.PI - 0.05);
      way.setFromSpherical(around);
    } else {
      way.setLength(Math.min(Math.max(way.length() * nearer, controls.minDistance), controls.maxDistance));
    }
    camera.position.copy(center).add(way);
    controls.update();
    repaint();
  };
  controls.addEventListener("change", repaint);
  azimuth.addEventListener("input", shine);
  height.addEventListener("input", shine);
  canvas.addEventListener("keydown", keys);
  const watch = new ResizeObserver(resize);
  watch.observe(frame);
  resize();
  shine();
  return () => {
    watch.disconnect();
    canvas.removeEventListener("keydown", keys);
    controls.dispose();
    geometry.dispose();
    material.dispose();
    renderer.dispose();
  };
}
