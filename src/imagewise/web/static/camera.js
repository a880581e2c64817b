// The camera, in a dialog: one picture, as a PNG.

/** `onPicture(blob)` gets the picture that was taken, `onProblem(text)` the reason if there is no camera. */
export function offerCamera(find, { onOpen, onPicture, onProblem }) {
  if (!navigator.mediaDevices?.getUserMedia) return; // no camera, or the page came by plain http from elsewhere
  const [button, dialog, video, shoot] = ["camera", "camera-dialog", "video", "shoot"].map(find);
  let asking = false; // the browser's prompt is open
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (asking || dialog.open) return;
    asking = true;
    onOpen();
    try {
      show(await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }));
    } catch {
      onProblem("No camera, or access was blocked. Allow it in the address bar and try again.");
    } finally {
      asking = false;
    }
  });
  video.addEventListener("loadeddata", () => {
    shoot.disabled = !video.videoWidth; // the first frame is there
  });
  dialog.addEventListener("close", stop);
  find("close-camera").addEventListener("click", () => dialog.close());
  shoot.addEventListener("click", async () => {
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    canvas.getContext("2d").drawImage(video, 0, 0);
    dialog.close();
    onPicture(await canvas.convertToBlob({ type: "image/png" }));
  });

  function show(stream) {
    shoot.disabled = true;
    video.srcObject = stream;
    dialog.showModal();
    video.play().catch(() => {}); // closed before it played
  }

  function stop() {
    for (const track of video.srcObject?.getTracks() ?? []) track.stop();
    video.srcObject = null;
    shoot.disabled = true;
  }
}
