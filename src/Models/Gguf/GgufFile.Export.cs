using MlNetIcl.Models.Safetensors;
using static TorchSharp.torch;

namespace MlNetIcl.Models.Gguf;

public sealed unsafe partial class GgufFile
{
    private const int ExportPortion = 1 << 22; // elements: bounds the memory, whatever the tensors' sizes; a multiple of every block

    /// <summary>
    /// Writes every tensor, decoded to float32, to a safetensors file, under its own name and in the order of names. The file need not hold a model.
    /// Memory does not grow with it.
    /// </summary>
    /// <param name="path">The file. It appears under its name only when it is complete; an existing file is replaced.</param>
    /// <param name="progress">Gets the share done, from 0 to 1.</param>
    /// <param name="cancellationToken">Ends the work; nothing is left behind.</param>
    /// <exception cref="UnsupportedModelException">A tensor's type cannot be decoded; nothing is written.</exception>
    /// <exception cref="IOException">The file cannot be written; nothing is left behind.</exception>
    public void ExportSafetensors(string path, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        GgufTensor[] tensors = [.. Tensors.Values.OrderBy(tensor => tensor.Name, StringComparer.Ordinal)];
        foreach (var tensor in tensors) RequireReadable(tensor);
        double all = Math.Max(1, tensors.Sum(tensor => (double)tensor.Elements)), done = 0;
        float[] values = new float[(int)Math.Min(ExportPortion, tensors.Length == 0 ? 0 : tensors.Max(tensor => tensor.Elements))];
        SafetensorsFile.Write(path, tensors.Select(tensor => (tensor.Name, ScalarType.Float32, (long)sizeof(float), tensor.Shape)), file =>
        {
            foreach (var tensor in tensors)
                for (long first = 0; first < tensor.Elements; first += ExportPortion)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    int count = (int)Math.Min(ExportPortion, tensor.Elements - first);
                    fixed (float* target = values)
                    {
                        Decode(tensor, first, count, (byte*)target, ScalarType.Float32);
                        file.Write(new ReadOnlySpan<byte>(target, count * sizeof(float)));
                    }
                    progress?.Report((done += count) / all);
                }
        });
    }
}
