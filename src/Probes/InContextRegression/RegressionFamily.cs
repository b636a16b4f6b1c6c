namespace MlNetIcl.Probes;

/// <summary>Families of regression tasks: a task is one function, drawn anew, and some of its points.</summary>
public enum RegressionFamily
{
    /// <summary>y = w x, x and w ~ N(0, I) in d dimensions (Garg et al. 2022, arXiv:2208.01066). Errors are divided by d, so that an answer of 0 has error 1.</summary>
    Linear,

    /// <summary>y = A sin(x + phase) in one dimension, A in [0.1, 5], phase in [0, pi], x in [-5, 5], all uniform (Finn et al. 2017, arXiv:1703.03400, section 5.1).</summary>
    Sinusoid,
}

/// <summary>The sizes that values of a family have.</summary>
internal static class FamilyScales
{
    /// <summary>Standard deviation of a coordinate of x.</summary>
    public static double Input(this RegressionFamily family) => family == RegressionFamily.Sinusoid ? 5 / Math.Sqrt(3) : 1;

    /// <summary>Root mean square of y without noise, to two digits for sinusoids: E A^2 / 2 is 4.25.</summary>
    public static double Output(this RegressionFamily family, int dimension) => family == RegressionFamily.Sinusoid ? 2.06 : Math.Sqrt(dimension);

    /// <summary>What squared errors are divided by.</summary>
    public static double Error(this RegressionFamily family, int dimension) => family == RegressionFamily.Sinusoid ? 1 : dimension;
}
