/** Files on their way into a record: pictures are made small on the phone, names are kept apart. */

export const LONGEST_SIDE = 1600
const QUALITY = 0.8
export const LARGEST_FILE = 20 * 1024 * 1024

export class FileProblem extends Error {}

/** A photo as JPEG of at most `longest` pixels a side. It is drawn anew, so nothing the camera wrote beside the picture (position, owner) remains. */
export async function shrunk(photo: Blob, longest: number): Promise<Blob> {
  let picture: ImageBitmap
  try {
    picture = await createImageBitmap(photo, { imageOrientation: 'from-image' })
  } catch {
    throw new FileProblem('这张照片打不开。请换一张，或直接用「拍照」。')
  }
  const scale = Math.min(1, longest / Math.max(picture.width, picture.height))
  const canvas = document.createElement('canvas')
  canvas.width = Math.max(1, Math.round(picture.width * scale))
  canvas.height = Math.max(1, Math.round(picture.height * scale))
  const pen = canvas.getContext('2d')
  if (!pen) throw new FileProblem('手机内存不够，照片没有存下。请关掉别的应用再试。')
  pen.fillStyle = '#fff'
  pen.fillRect(0, 0, canvas.width, canvas.height)
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height)
  picture.close()
  const made = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/jpeg', QUALITY))
  canvas.width = canvas.height = 0
  if (!made) throw new FileProblem('手机内存不够，照片没有存下。请关掉别的应用再试。')
  return made
}

/** A name no other file of the record has: the server tells files apart by their names. */
export function freeName(wanted: string, taken: ReadonlySet<string>): string {
  const clean = wanted.replace(/[\\/:*?"<>|\p{Cc}]/gu, '_').replace(/^\.+/, '').trim() || '文件'
  const [, stem, ending] = /^(.*?)(\.[^.]{1,10})?$/s.exec(clean) as unknown as [string, string, string | undefined]
  const short = [...stem].slice(0, 60).join('')
  for (let number = 1; ; number += 1) {
    const name = `${short}${number === 1 ? '' : `-${number}`}${ending ?? ''}`
    if (!taken.has(name)) return name
  }
}

export function checkedSize(file: Blob): void {
  if (file.size === 0) throw new FileProblem('这个文件是空的，请换一个。')
  if (file.size > LARGEST_FILE) throw new FileProblem(`文件太大（${Math.ceil(file.size / 1048576)} 兆），请选不超过 ${LARGEST_FILE / 1048576} 兆的。`)
}

export function sizeInWords(bytes: number): string {
  return bytes < 1048576 ? `${Math.max(1, Math.round(bytes / 1024))} 千字节` : `${(bytes / 1048576).toFixed(1)} 兆`
}
