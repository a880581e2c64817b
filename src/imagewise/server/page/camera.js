// The camera, in a dialog: one picture, as a PNG.

/** Returns nothing; `onPicture(blob)` gets the picture that was taken, `onProblem(text)` why there is none. */
export function offerCamera(find, onPicture, onProblem) {
  if (!navigator.mediaDevices?.getUserMedia) return; // none, or the page came by plain http from elsewhere
  const [dialog, video] = [find("camera-dialog"), find("video")];
  find("camera").hidden = false;
  find("camera").addEventListener("click", async () => {
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      onProblem("The camera cannot be used: there is none, or this page may not use it.");
      return;
    }
    dialog.showModal();
    await video.play();
  });
  dialog.addEventListener("close", () => {
    for (const track of video.srcObject?.getTracks() ?? []) track.stop();
    video.srcObject = null;
  });
  find("close-camera").addEventListener("click", () => dialog.close());
  find("shoot").addEventListener("click", async () => {
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    canvas.getContext("2d").drawImage(video, 0, 0);
    dialog.close();
    onPicture(await canvas.convertToBlob({ type: "image/png" }));
  });
}
