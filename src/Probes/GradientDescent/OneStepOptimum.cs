namespace MlNetIcl.Probes;

/// <summary>
/// What one step of gradient descent, or one layer of linear self-attention, can reach on tasks y = w x, w ~ N(0, I), with inputs uniform in [-range, range),
/// in closed form. Losses are half the squared error. Immutable.
/// </summary>
/// <remarks>
/// With s = E x^2, m4 = E x^4 and C = ((N - 1)/N) s^2 + (m4 + (d - 1) s^2)/N, the loss of a step of eta is (d s/2)(1 - 2 eta s + eta^2 C). The best layer
/// answers x_q^T Gamma^-1 (1/N) sum y_i x_i (Ahn et al. 2023; Zhang, Frei &amp; Bartlett 2024) with Gamma = ((N + 1)/N) Sigma + (tr Sigma/N) I for normal
/// inputs; with other fourth moments Gamma = (C/s) I, so that its inverse is the best step's eta.
/// </remarks>
public sealed record OneStepOptimum
{
    private OneStepOptimum(int dimension, int examples, double range)
    {
        (Dimension, Examples, Range) = (dimension, examples, range);
        Variance = range * range / 3;
        double fourth = Math.Pow(range, 4) / 5;
        Curvature = ((examples - 1.0) / examples * Variance * Variance) + ((fourth + ((dimension - 1) * Variance * Variance)) / examples);
    }

    /// <summary>d.</summary>
    public int Dimension { get; }

    /// <summary>N.</summary>
    public int Examples { get; }

    /// <summary>Half the width of the inputs' distribution.</summary>
    public double Range { get; }

    /// <summary>s, the variance of an input.</summary>
    public double Variance { get; }

    /// <summary>C, the mean of the squared empirical covariance's diagonal.</summary>
    public double Curvature { get; }

    /// <summary>The best learning rate, s/C: the diagonal of Gamma^-1.</summary>
    public double Eta => Variance / Curvature;

    /// <summary>The loss of the best step, 0.5 d s (1 - s^2/C).</summary>
    public double Loss => LossAt(Eta);

    /// <summary>The loss of an answer of 0, 0.5 d s.</summary>
    public double NullLoss => 0.5 * Dimension * Variance;

    /// <summary>The loss of a step of another learning rate, on examples and queries that are larger or smaller than those of the family.</summary>
    /// <param name="eta">The learning rate.</param>
    /// <param name="scale">The factor on inputs. Default 1.</param>
    public double LossAt(double eta, double scale = 1)
    {
        double square = scale * scale;
        return NullLoss * square * (1 - (2 * eta * square * Variance) + (eta * eta * square * square * Curvature));
    }

    /// <summary>The closed forms of a family of tasks.</summary>
    /// <param name="dimension">d, at least 1.</param>
    /// <param name="examples">N, at least 1.</param>
    /// <param name="range">Half the width of the inputs' distribution, finite and above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is outside its range.</exception>
    public static OneStepOptimum Of(int dimension, int examples, double range)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(examples, 1);
        if (!double.IsFinite(range) || range <= 0) throw new ArgumentOutOfRangeException(nameof(range), range, "Expected a range above 0.");
        return new(dimension, examples, range);
    }
}
