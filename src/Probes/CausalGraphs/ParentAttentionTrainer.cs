using System.Runtime.InteropServices;
using MlNetIcl.Models.Native;
using MlNetIcl.Models.Training;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// Fits <see cref="ParentAttention"/> to rows by gradients of their likelihood, by hand and in float64: the numbers are too few for threads, and the last bits
/// do not depend on how many there are. Owns its weights; not thread-safe.
/// </summary>
internal sealed class ParentAttentionTrainer : IDisposable
{
    private readonly int _length, _vocabulary;
    private readonly bool _roots;
    private readonly NamedParameter[] _parameters; // logits of attention [child, parents and none], kernel and marginals; logarithms of concentrations: the kernel's, and each position's
    private readonly Tensor[] _gradients;
    private readonly TrainingRun _run;

    /// <param name="length">Positions.</param>
    /// <param name="vocabulary">Tokens.</param>
    /// <param name="concentration">What the shared kernel is worth at first: from afar the other kind of data is not found.</param>
    /// <param name="roots">Whether nothing but none is attended to.</param>
    /// <param name="scores">Random first scores, of variance 1; null: all are 0.</param>
    /// <param name="rateAt">The learning rate of a step.</param>
    public ParentAttentionTrainer(int length, int vocabulary, double concentration, bool roots, SeededRandom? scores, Func<int, double> rateAt)
    {
        NativeTorch.EnsureLoaded();
        (_length, _vocabulary, _roots) = (length, vocabulary, roots);
        _parameters =
        [
            Parameter("scores", [.. Enumerable.Range(0, length * (length + 1)).Select(_ => scores is null ? 0 : (float)scores.NextNormal())]),
            Parameter("kernel", new float[vocabulary * vocabulary]),
            Parameter("marginals", new float[length * vocabulary]),
            Parameter("concentrations", [(float)Math.Log(concentration), .. new float[length]]),
        ];
        _gradients = [.. _parameters.Select(p => zeros_like(p.Value).DetachFromDisposeScope())];
        _run = new TrainingRun(_parameters, new AdamW(_parameters, new AdamWSettings(rateAt)), []);
        foreach (var (parameter, gradient) in _parameters.Zip(_gradients)) parameter.Value.grad = gradient;

        static NamedParameter Parameter(string name, float[] values) => new(name, tensor(values).DetachFromDisposeScope());
    }

    /// <summary>Trains from where it is to so many steps.</summary>
    /// <param name="steps">Steps in all.</param>
    /// <param name="rowsAt">The rows of a step.</param>
    /// <param name="observe">Told of every step: how many are done, and the loss before its update.</param>
    /// <param name="cancellation">Checked before every step.</param>
    public void Train(int steps, Func<int, CausalRows> rowsAt, Action<int, double> observe, CancellationToken cancellation) =>
        _run.TrainBy(steps, step => Backward(rowsAt(step), i => Floats(_gradients[i])), observe, cancellation);

    /// <summary>What it is now.</summary>
    public ParentAttention ToAttention()
    {
        float[] concentrations = Floats(_parameters[3].Value).ToArray();
        return new(Attention(), Distributions(1), Distributions(2), Math.Exp(concentrations[0]), [.. concentrations[1..].Select(c => Math.Exp(c))]);
    }

    /// <summary>The mean loss of a position but the first, in nats, and its gradient by the parameters, in their order.</summary>
    internal (double Loss, float[][] Gradients) Gradient(CausalRows rows)
    {
        float[][] gradients = [.. _gradients.Select(g => new float[Floats(g).Length])];
        return (Backward(rows, i => gradients[i]), gradients);
    }

    public void Dispose()
    {
        _run.Dispose();
        foreach (var tensor in _gradients.Concat(_parameters.Select(p => p.Value))) tensor.Dispose();
    }

    private delegate Span<float> GradientOf(int parameter);

    private double Backward(CausalRows rows, GradientOf gradientOf)
    {
        var now = ToAttention();
        var sums = new Sums(_length, _vocabulary);
        double loss = 0;
        for (int row = 0; row < rows.Count; row++) loss += sums.Add(now, rows.Row(row));
        double scale = 1.0 / (rows.Count * (_length - 1));

        var scores = gradientOf(0);
        for (int child = 0; child < _length; child++)
        {
            int width = _length + 1;
            double[] attention = now.Attention[child], gradient = sums.Attention[child];
            double mean = attention.Zip(gradient, (a, g) => a * g).Sum();
            for (int parent = 0; parent <= child; parent++) scores[(child * width) + (parent == child ? _length : parent)] += (float)(scale * attention[parent] * (gradient[parent] - mean));
        }
        AddLogits(now.Kernel, sums.Kernel, scale, gradientOf(1));
        AddLogits(now.Marginals, sums.Marginals, scale, gradientOf(2));
        var concentrations = gradientOf(3);
        concentrations[0] += (float)(scale * now.Concentration * sums.Concentration);
        for (int position = 0; position < _length; position++) concentrations[position + 1] += (float)(scale * now.RootConcentrations[position] * sums.RootConcentrations[position]);
        return loss * scale;
    }

    /// <summary>From the gradient by distributions to that by their logits.</summary>
    private static void AddLogits(double[][] distributions, double[][] gradients, double scale, Span<float> to)
    {
        int at = 0;
        foreach (var (distribution, gradient) in distributions.Zip(gradients))
        {
            double mean = distribution.Zip(gradient, (p, g) => p * g).Sum();
            for (int i = 0; i < distribution.Length; i++) to[at++] += (float)(scale * distribution[i] * (gradient[i] - mean));
        }
    }

    private double[][] Attention()
    {
        float[] scores = Floats(_parameters[0].Value).ToArray();
        return [.. Enumerable.Range(0, _length).Select(child =>
        {
            var row = scores.AsSpan(child * (_length + 1), _length + 1);
            return _roots ? [.. new double[child], 1] : Softmax([.. row[..child], row[^1]]);
        })];
    }

    private double[][] Distributions(int parameter) => [.. Floats(_parameters[parameter].Value).ToArray().Chunk(_vocabulary).Select(Softmax)];

    private static double[] Softmax(float[] logits)
    {
        double largest = logits.Max();
        double[] exponentials = [.. logits.Select(logit => Math.Exp(logit - largest))];
        double sum = exponentials.Sum();
        return [.. exponentials.Select(e => e / sum)];
    }

    private static Span<float> Floats(Tensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.bytes);

    /// <summary>Sums over rows of the gradient of -log likelihood by what <see cref="ParentAttention"/> is made of.</summary>
    private sealed class Sums(int length, int vocabulary)
    {
        private readonly ParentCounts _counts = new(length, vocabulary);
        private readonly double[] _likelihoods = new double[length], _divisors = new double[length]; // of a child, by parent
        private readonly double[] _sentGradient = new double[length * vocabulary], _countsGradient = new double[vocabulary * vocabulary], _totalsGradient = new double[vocabulary]; // by what ParentCounts counts
        private readonly double[] _followedGradient = new double[length], _childrenGradient = new double[length];

        public double[][] Attention { get; } = [.. Enumerable.Range(1, length).Select(width => new double[width])];

        public double[][] Kernel { get; } = Zeros(vocabulary, vocabulary);

        public double[][] Marginals { get; } = Zeros(length, vocabulary);

        public double Concentration { get; private set; }

        public double[] RootConcentrations { get; } = new double[length];

        /// <summary>Adds a row.</summary>
        /// <returns>Its loss, summed over positions but the first.</returns>
        public double Add(ParentAttention now, ReadOnlySpan<int> row)
        {
            _counts.Count(now.Attention, row);
            foreach (double[] gradient in new[] { _sentGradient, _countsGradient, _totalsGradient, _followedGradient, _childrenGradient }) Array.Clear(gradient);
            double loss = 0;
            for (int child = 1; child < length; child++) loss += AddChild(now, row, child);
            for (int child = 1; child < length; child++)
                for (int parent = 0; parent < child; parent++)
                {
                    int given = row[parent];
                    double gradient = _sentGradient[(child * vocabulary) + given] + _countsGradient[(given * vocabulary) + row[child]] + _totalsGradient[given] + _childrenGradient[parent];
                    if (row[child] == given) gradient += _followedGradient[parent];
                    Attention[child][parent] += gradient;
                }
            return loss;
        }

        private double AddChild(ParentAttention now, ReadOnlySpan<int> row, int child)
        {
            int value = row[child];
            double[] attention = now.Attention[child];
            double fromNone = now.LikelihoodFromNone(_counts, value, child), sum = 0;
            for (int parent = 0; parent < child; parent++)
            {
                (_likelihoods[parent], _divisors[parent]) = now.Likelihood(_counts, row, child, parent);
                sum += attention[parent] * _likelihoods[parent];
            }
            sum = Math.Max(double.Epsilon, sum + (attention[child] * fromNone));
            double gradient = -1 / Math.Max(1e-30, sum);

            Attention[child][child] += gradient * fromNone;
            double worth = now.RootConcentrations[child], ofNone = gradient * attention[child] / (worth + length - 1);
            RootConcentrations[child] += ofNone * (now.Marginals[child][value] - fromNone);
            Marginals[child][value] += ofNone * worth;
            for (int parent = 0; parent < child; parent++)
            {
                int given = row[parent];
                double likelihood = _likelihoods[parent], of = gradient * attention[parent] / _divisors[parent], ofTotal = -of * likelihood;
                Attention[child][parent] += gradient * likelihood;
                Concentration += of * (now.Kernel[given][value] - likelihood);
                Kernel[given][value] += of * now.Concentration;
                _countsGradient[(given * vocabulary) + value] += of;
                _totalsGradient[given] += ofTotal;
                _sentGradient[(child * vocabulary) + given] -= of + ofTotal;
                if (given != value) continue;
                _followedGradient[child] -= of;
                _childrenGradient[child] -= ofTotal;
            }
            return -Math.Log(sum);
        }

        private static double[][] Zeros(int rows, int columns) => [.. Enumerable.Range(0, rows).Select(_ => new double[columns])];
    }
}
